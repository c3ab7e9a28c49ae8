import GraphIR

extension CostModel {
    /// About how many operations a node does, for the extents that the model assumes.
    func operationCount(_ id: NodeID, of graph: Graph) -> Int {
        let node = graph[id]
        let results = elementCount(node.types[0])
        switch node.op {
        case .fusion(let region):
            return region.body.nodeIDs.reduce(0) { $0 + operationCount($1, of: region.body) }
        case .matmul(let transposeLeft, _):
            let left = graph.type(of: node.operands[0]).shape
            return 2 * results * extent(left[left.count - (transposeLeft ? 2 : 1)])
        case .raggedMatmul(let form, let length):
            let depth = graph.type(of: node.operands[1]).shape
            return 2 * results * extent(form == .scores ? depth[depth.count - 1] : length)
        case .flashAttention: return 4 * results * typicalExtent
        case .flashAttentionGradient: return 10 * results * typicalExtent
        case .input, .parameter, .constant, .iota, .dimensionSize, .reshape: return 0
        default: return results * node.operationCount
        }
    }
}
