extension Graph {
    /// Nodes whose results are nothing but new values of the parameters that they read, written element by element.
    package func inPlaceUpdates() -> Set<NodeID> {
        let uses = useCounts()
        var targets: [Value: Value] = [:]
        for update in updates { targets[update.value] = update.parameter }
        return Set(
            nodeIDs.filter { id in
                let node = self[id]
                guard node.op.isOptimizerStep, !readsRows(of: targets, id) else { return false }
                return node.types.indices.allSatisfy { result in
                    let value = Value(id, result: result)
                    guard let target = targets[value] else { return false }
                    return node.operands.contains(target) && uses[value] == 1
                }
            })
    }

    /// Whether a region takes rows of one of the parameters that it has new values for.
    private func readsRows(of targets: [Value: Value], _ id: NodeID) -> Bool {
        guard case .fusion(let region) = self[id].op else { return false }
        let tables = region.body.nodes.compactMap { $0.op == .gather ? $0.operands[0] : nil }
        return zip(region.body.inputs, self[id].operands).contains { input, operand in
            tables.contains(Value(input))
                && self[id].types.indices.contains { targets[Value(id, result: $0)] == operand }
        }
    }

    /// New values of accumulators that can be written over the old ones where their nodes stand: the node reads the
    /// old value element by element for this result only, and no later node reads it.
    package func accumulations() -> Set<Value> {
        let uses = useCounts()
        return Set(
            updates.filter { update in
                guard case .source(.parameter(_, _, .accumulator)) = self[update.parameter.node].op else {
                    return false
                }
                return uses[update.value] == 1 && overwrites(update)
            }.map(\.value))
    }

    private func overwrites(_ update: Update) -> Bool {
        let writer = update.value.node
        return nodeIDs.allSatisfy { id in
            let node = self[id]
            guard let position = node.operands.firstIndex(of: update.parameter) else { return true }
            guard id == writer else {
                // A view may be read later.
                if case .shape(.reshape) = node.op { return false }
                return id < writer
            }
            if case .fusion(let region) = node.op {
                return region.body.computesInPlace(
                    region.body.outputs[update.value.result].value, from: Value(region.body.inputs[position]))
            }
            return node.op.traits.isElementWise
        }
    }

    /// Whether all that comes of `input` is a chain of element-wise ops that ends in `result`, which only leaves the graph.
    private func computesInPlace(_ result: Value, from input: Value) -> Bool {
        let uses = useCounts()
        var value = input
        while value != result {
            guard uses[value] == 1, let reader = nodeIDs.first(where: { self[$0].operands.contains(value) }),
                self[reader].op.traits.isElementWise, self[reader].types == [type(of: input)]
            else { return false }
            value = Value(reader)
        }
        return uses[result] == 1
    }
}

extension Op {
    /// Whether each result's elements depend on the same elements of operands only, rows of a table aside, and replace
    /// them.
    fileprivate var isOptimizerStep: Bool {
        switch self {
        case .optimizer: true
        case .fusion(let region):
            region.body.nodes.contains { if case .optimizer = $0.op { true } else { false } }
                && region.body.nodes.allSatisfy { node in
                    switch node.op {
                    case .source(.input), .source(.constant), .indexing(.gather): true
                    default: node.op.traits.isElementWise
                    }
                }
        default: false
        }
    }
}
