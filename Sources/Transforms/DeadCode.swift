import GraphIR

extension Pass {
    /// Removes nodes that reach neither an output nor an update.
    ///
    /// Inputs and parameters are no exception: one that nothing reads disappears from the graph's signature, so
    /// that nobody has to supply it. A parameter that an update writes stays, read or not.
    public static let deadCode = Pass("dead-code") { (graph: inout Graph) throws(IRError) in
        var isLive = Array(repeating: false, count: graph.nodes.count)
        for root in graph.roots + graph.updates.map(\.parameter) { isLive[root.node.index] = true }
        for id in graph.nodeIDs.reversed() where isLive[id.index] {
            for operand in graph[id].operands { isLive[operand.node.index] = true }
        }
        guard isLive.contains(false) else { return false }
        var rewriter = GraphRewriter(graph)
        for id in graph.nodeIDs {
            if isLive[id.index] { try rewriter.copy(id) } else { rewriter.drop(id) }
        }
        graph = rewriter.finish()
        return true
    }
}
