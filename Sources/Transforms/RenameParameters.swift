import GraphIR

extension Graph {
    /// The graph with other parameters' names in the place of its own.
    package func renamingParameters(_ newName: (String) -> String) throws(IRError) -> Graph {
        try replacingParameters { name, role in newName(name) == name ? nil : (newName(name), role) }
    }

    /// The graph with some trainable parameters frozen, which a training step leaves as they are.
    package func freezingParameters(_ isFrozen: (String) -> Bool) throws(IRError) -> Graph {
        try replacingParameters { name, role in role == .trainable && isFrozen(name) ? (name, .frozen) : nil }
    }

    private func replacingParameters(
        _ change: (String, ParameterRole) -> (name: String, role: ParameterRole)?
    ) throws(IRError) -> Graph {
        var rewriter = GraphRewriter(self)
        for id in nodeIDs {
            guard case .parameter(let name, let type, let role) = self[id].op, let new = change(name, role)
            else {
                try rewriter.copy(id)
                continue
            }
            let op = Op.parameter(name: new.name, type: type, role: new.role)
            rewriter.replace(id, with: [try rewriter.emit(op, [], label: self[id].label)])
        }
        return rewriter.finish()
    }
}
