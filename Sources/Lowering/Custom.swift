import GraphIR
import KernelIR

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
