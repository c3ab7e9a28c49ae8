extension Graph {
    /// Replaces the custom ops that `isWanted` chooses and that have a decomposition, also those inside of
    /// decompositions; `false` when there were none.
    package mutating func decompose(where isWanted: (CustomOpDefinition) -> Bool) throws(IRError) -> Bool {
        func isDecomposed(_ node: Node) -> Bool {
            guard case .custom(let op) = node.op else { return false }
            return op.definition.hasDecomposition && isWanted(op.definition)
        }
        var depth = 0
        while let id = nodeIDs.first(where: { isDecomposed(self[$0]) }) {
            guard depth < maxDecompositionDepth else {
                throw IRError("custom", "its decomposition holds itself", at: place(id))
            }
            self = try decomposedOnce(isDecomposed)
            depth += 1
        }
        return depth > 0
    }

    private func decomposedOnce(_ isDecomposed: (Node) -> Bool) throws(IRError) -> Graph {
        let builder = GraphBuilder(rebuilding: self)
        var tensors: [[Tensor]] = []
        for id in nodeIDs {
            let node = self[id]
            let operands = node.operands.map { tensors[$0.node.index][$0.result] }
            let results = builder.scope(node.label) { () -> Result<[Tensor]?, IRError> in
                guard isDecomposed(node), case .custom(let op) = node.op else {
                    return .success(builder.applyAll(node.op, operands))
                }
                do throws(IRError) {
                    return .success(try op.decomposed(operands, node.types))
                } catch {
                    let inner = error.place.isEmpty ? "" : "\(error.place): "
                    return .failure(IRError(error.rule, inner + error.message, at: place(id)))
                }
            }
            tensors.append(try results.get() ?? [])
        }
        for output in outputs {
            builder.output(output.name, tensors[output.value.node.index][output.value.result])
        }
        for update in updates {
            builder.update(
                tensors[update.parameter.node.index][update.parameter.result],
                to: tensors[update.value.node.index][update.value.result])
        }
        return try builder.finish()
    }
}

/// Decompositions inside of decompositions, far more than anyone would write on purpose.
private let maxDecompositionDepth = 64
