import GraphIR

extension Graph {
    /// The graph with other parameters' names in the place of its own.
    package func renamingParameters(_ newName: (String) -> String) throws(IRError) -> Graph {
        try changingParameters { (newName($0), $1) }
    }

    /// The graph with trainable parameters frozen.
    ///
    /// - Parameter isFrozen: whether the parameter of a name is not trained.
    package func freezingParameters(_ isFrozen: (String) -> Bool) throws(IRError) -> Graph {
        try changingParameters { ($0, $1 == .trainable && isFrozen($0) ? .frozen : $1) }
    }

    /// Types stay what they are, so that nodes keep their numbers.
    private func changingParameters(
        _ change: (String, ParameterRole) -> (name: String, role: ParameterRole)
    ) throws(IRError) -> Graph {
        var graph = Graph(name: name)
        for node in nodes {
            var op = node.op
            if case .source(.parameter(let name, let type, let role)) = op {
                let new = change(name, role)
                op = .parameter(name: new.name, type: type, role: new.role)
            }
            try graph.append(op, node.operands, label: node.label)
        }
        for output in outputs { graph.addOutput(output.name, output.value) }
        for update in updates { graph.addUpdate(of: update.parameter, to: update.value) }
        return graph
    }
}
