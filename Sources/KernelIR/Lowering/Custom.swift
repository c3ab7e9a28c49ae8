import GraphIR

extension Lowering {
    /// Checks that a custom op has a kernel and that its operands broadcast to its only result.
    func checkCustom(_ op: CustomOp, _ node: Node, _ id: NodeID) throws(IRError) {
        guard customKernels.contains(where: { $0.definition == op.definition }) else {
            throw unsupported(
                id, "has no kernel and was not decomposed; give it a decomposition or a CustomKernel")
        }
        guard node.types.count == 1 else {
            throw unsupported(id, "a CustomKernel is for one result, and this op has \(node.types.count)")
        }
        let result = node.types[0]
        for type in node.operands.map(type) {
            let fits = zip(type.shape.reversed(), result.shape.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
            guard fits, type.rank <= result.rank else {
                throw unsupported(
                    id, "an operand of \(type) does not broadcast to \(result), as a CustomKernel needs")
            }
        }
    }

    /// The steps of a custom op's kernel.
    func applyCustom(
        _ op: CustomOp, _ x: [ElementID], _ id: NodeID, _ program: inout ElementProgram
    ) throws(IRError) -> ElementID {
        guard let kernel = customKernels.first(where: { $0.definition == op.definition }) else {
            preconditionFailure("checked before")
        }
        let result = kernel.body(op, x, &program)
        let wanted = graph[id].types[0].element.computeType
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
