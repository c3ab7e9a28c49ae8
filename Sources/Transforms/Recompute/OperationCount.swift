import GraphIR

extension CostModel {
    /// About how many operations a node does, for the extents that the model assumes.
    func operationCount(_ id: NodeID, of graph: Graph) -> Int {
        let node = graph[id]
        if case .fusion(let region) = node.op {
            return region.body.nodeIDs.reduce(0) { $0 + operationCount($1, of: region.body) }
        }
        let results = elementCount(node.types[0])
        switch node.op.traits.work {
        case .none: return 0
        case .elements(let operations): return results * operations
        case .products(let depth):
            return 2 * results * extent(depth.dimension(node.operands.map(graph.type(of:))))
        case .attention(let products): return 2 * products * results * typicalExtent
        }
    }
}
