import GraphIR

extension Pass {
    /// Removes nodes that reach neither an output nor an update.
    ///
    /// Inputs and parameters are no exception: one that nothing reads disappears from the graph's signature,
    /// so that nobody has to supply it. Two kinds stay unread: a parameter that an update writes, and a
    /// source whose shape alone says what a symbol is that the rest of the graph needs.
    package static let deadCode = Pass("dead-code") { (graph: inout Graph) throws(IRError) in
        var isLive = graph.liveNodes()
        for source in symbolSources(graph, isLive) { isLive[source.index] = true }
        guard isLive.contains(false) else { return false }
        var rewriter = GraphRewriter(graph)
        for id in graph.nodeIDs {
            if isLive[id.index] { try rewriter.copy(id) } else { rewriter.drop(id) }
        }
        graph = rewriter.finish()
        return true
    }
}

extension Graph {
    /// For each node, whether it reaches an output or an update, or is a parameter that an update writes.
    func liveNodes() -> [Bool] {
        var isLive = Array(repeating: false, count: nodes.count)
        for root in roots + updates.map(\.parameter) { isLive[root.node.index] = true }
        for id in nodeIDs.reversed() where isLive[id.index] {
            for operand in self[id].operands { isLive[operand.node.index] = true }
        }
        return isLive
    }
}

/// Dead sources that bind a symbol of the live nodes which no live source binds; the first one for each
/// symbol.
private func symbolSources(_ graph: Graph, _ isLive: [Bool]) -> [NodeID] {
    let sources = graph.nodeIDs.filter { graph[$0].op.suppliedName != nil }
    let live = graph.nodeIDs.filter { isLive[$0.index] }
    var unbound = Set(live.flatMap { graph[$0].symbols })
    for source in sources where isLive[source.index] { unbound.subtract(graph[source].symbols) }
    return sources.filter { source in
        let bound = unbound.intersection(graph[source].symbols)
        unbound.subtract(bound)
        return !bound.isEmpty
    }
}

extension Node {
    /// Symbols of the result types, and of the dimension that `dimension_size` asks for.
    fileprivate var symbols: Set<String> {
        var dimensions = types.flatMap(\.shape)
        if case .source(.dimensionSize(let dimension)) = op { dimensions.append(dimension) }
        return Set(dimensions.compactMap(\.symbol))
    }
}
