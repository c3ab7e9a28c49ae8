import GraphIR

extension RowBuilder {
    /// The steps of a custom op's kernel.
    mutating func custom(_ op: CustomOp, _ id: NodeID, _ form: Form) throws(Stop) -> ElementID {
        let node = section.graph[id]
        guard let kernel = customKernels.first(where: { $0.definition == op.definition }) else {
            throw unsupported(
                id, "has no kernel and was not decomposed; give it a decomposition or a CustomKernel")
        }
        guard node.types.count == 1 else {
            throw unsupported(id, "a CustomKernel is for one result, and this op has \(node.types.count)")
        }
        var operands: [ElementID] = []
        for operand in node.operands {
            let type = section.type(operand)
            guard broadcasts(type.shape, to: node.types[0].shape) else {
                throw unsupported(
                    id,
                    "an operand of \(type) does not broadcast to \(node.types[0]), as a CustomKernel needs")
            }
            operands.append(try self.operand(operand, form))
        }
        let result = kernel.body(op, operands, &program)
        let wanted = node.types[0].element.computeType
        do throws(IRError) {
            let types = try program.types()
            guard types.indices.contains(result), types[result] == wanted else {
                throw IRError("lowering", "its kernel gives no \(wanted.rawValue)")
            }
        } catch {
            throw unsupported(id, error.message)
        }
        return result
    }
}

extension ElementProgram {
    /// The type of each step; throws for one that can't take what it reads.
    func types() throws(IRError) -> [ElementType] {
        var types: [ElementType] = []
        for op in ops {
            guard op.operands.allSatisfy(types.indices.contains) else {
                throw IRError("lowering", "step \(types.count) (\(op)) of its kernel reads a later step")
            }
            guard op.takes(op.operands.map { types[$0] }) else {
                let given = op.operands.map { types[$0].rawValue }.joined(separator: ", ")
                throw IRError("lowering", "step \(types.count) (\(op)) of its kernel can't take \(given)")
            }
            types.append(op.type(types))
        }
        return types
    }
}

extension ElementOp {
    /// Whether the step is defined for operands of these types.
    fileprivate func takes(_ types: [ElementType]) -> Bool {
        switch self {
        case .load, .constant, .column, .row, .extent, .cast, .reduce, .keep: true
        case .unary(.not, _): types[0] == .bool
        case .unary(let function, _):
            types[0].isFloat || (types[0] != .bool && [.neg, .abs, .sign].contains(function))
        case .binary(let function, _, _):
            types[0] == types[1] && (types[0] == .bool) == (function == .and || function == .or)
        case .compare: types[0] == types[1]
        case .select: types[0] == .bool && types[1] == types[2]
        }
    }
}
