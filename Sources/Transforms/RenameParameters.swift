import GraphIR

extension Graph {
    /// The graph with other parameters' names in the place of its own.
    package func renamingParameters(_ newName: (String) -> String) throws(IRError) -> Graph {
        var rewriter = GraphRewriter(self)
        for id in nodeIDs {
            guard case .source(.parameter(let name, let type, let role)) = self[id].op, newName(name) != name
            else {
                try rewriter.copy(id)
                continue
            }
            let op = Op.parameter(name: newName(name), type: type, role: role)
            rewriter.replace(id, with: [try rewriter.emit(op, [], label: self[id].label)])
        }
        return rewriter.finish()
    }
}
