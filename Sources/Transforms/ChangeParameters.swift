import GraphIR

extension Graph {
    /// The graph with other parameters' names in the place of its own.
    package func renamingParameters(_ newName: (String) -> String) throws(IRError) -> Graph {
        try changingParameters { (newName($0), $1) }
    }

    /// The graph with trainable parameters frozen.
    ///
    /// - Parameter isFrozen: whether the parameter of a name is not trained.
    public func freezingParameters(_ isFrozen: (String) -> Bool) throws(IRError) -> Graph {
        try changingParameters { ($0, $1 == .trainable && isFrozen($0) ? .frozen : $1) }
    }

    private func changingParameters(
        _ change: (String, ParameterRole) -> (name: String, role: ParameterRole)
    ) throws(IRError) -> Graph {
        var rewriter = GraphRewriter(self)
        for id in nodeIDs {
            guard case .source(.parameter(let name, let type, let role)) = self[id].op else {
                try rewriter.copy(id)
                continue
            }
            let new = change(name, role)
            guard new != (name, role) else {
                try rewriter.copy(id)
                continue
            }
            let op = Op.parameter(name: new.name, type: type, role: new.role)
            rewriter.replace(id, with: [try rewriter.emit(op, [], label: self[id].label)])
        }
        return rewriter.finish()
    }
}
