extension Graph {
    /// Nodes whose results are nothing but new values of the parameters that they read, written element by element.
    package func inPlaceUpdates() -> Set<NodeID> {
        let uses = useCounts()
        var targets: [Value: Value] = [:]
        for update in updates { targets[update.value] = update.parameter }
        return Set(
            nodeIDs.filter { id in
                let node = self[id]
                guard node.op.isOptimizerStep else { return false }
                return node.types.indices.allSatisfy { result in
                    let value = Value(id, result: result)
                    guard let target = targets[value] else { return false }
                    return node.operands.contains(target) && uses[value] == 1
                }
            })
    }
}

extension Op {
    /// Whether each result's elements depend on the same elements of operands only, and replace them.
    fileprivate var isOptimizerStep: Bool {
        switch self {
        case .adamW: true
        case .fusion(let region):
            region.body.nodes.allSatisfy { node in
                switch node.op {
                case .adamW, .input, .constant: true
                default: false
                }
            }
        default: false
        }
    }
}
