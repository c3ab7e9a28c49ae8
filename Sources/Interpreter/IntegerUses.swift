import GraphIR

/// What the integers that a graph is given are used as, in regions as well.
struct IntegerUses {
    enum Use {
        /// Ids, labels and limits: 0 or more, below all of these.
        case below([Dimension])
        /// Where sequences start among so many tokens.
        case offsets(tokens: Dimension)
        /// Real rows of sequences, at most `limit`.
        case lengths(tokens: Dimension, limit: Dimension?)
    }

    private var uses: [NodeID: Use] = [:]

    subscript(source: NodeID) -> Use? { uses[source] }

    init(_ graph: Graph) {
        var origins: [Value: NodeID] = [:]
        for id in graph.inputs + graph.parameters { origins[Value(id)] = id }
        visit(graph, &origins)
    }

    /// - Parameter origins: the given tensor that each value holds in another form.
    private mutating func visit(_ graph: Graph, _ origins: inout [Value: NodeID]) {
        for id in graph.nodeIDs {
            let node = graph[id]
            switch node.op {
            case .reshape, .broadcast, .transpose, .slice, .cast:
                origins[Value(id)] = origins[node.operands[0]]
            case .fusion(let region):
                var inner: [Value: NodeID] = [:]
                for (input, operand) in zip(region.body.inputs, node.operands) {
                    inner[Value(input)] = origins[operand]
                }
                visit(region.body, &inner)
            default: note(node, node.operands.map(graph.type(of:)), node.operands.map { origins[$0] })
            }
        }
    }

    /// Notes what an op does with the given tensors among its operands.
    private mutating func note(_ node: Node, _ types: [TensorType], _ origins: [NodeID?]) {
        switch node.op {
        case .gather: add(origins[1], .below([types[0].shape[0]]))
        case .scatterAdd(let rows): add(origins[1], .below([rows]))
        case .coalesce(let rows): add(origins[0], .below([rows]))
        case .crossEntropy: add(origins[1], .below([types[0].shape[1]]))
        case .crossEntropyGradient: add(origins[2], .below([types[1].shape[1]]))
        case .softmax where types.count > 1: add(origins[1], .below([(types[0].shape.last ?? 1) + 1]))
        case .raggedMatmul(_, let length): addSegments(origins[2], origins[3], types[0].shape[0], length)
        case .segmentSum: addSegments(origins[1], origins[2], types[0].shape[0], nil)
        case .segmentBroadcast(let tokens): addSegments(origins[1], origins[2], tokens, nil)
        case .flashAttention: addSegments(origins[3], origins[4], types[0].shape[0], nil)
        case .flashAttentionGradient: addSegments(origins[6], origins[7], types[0].shape[0], nil)
        default: break
        }
    }

    private mutating func addSegments(
        _ offsets: NodeID?, _ lengths: NodeID?, _ tokens: Dimension, _ limit: Dimension?
    ) {
        add(offsets, .offsets(tokens: tokens))
        add(lengths, .lengths(tokens: tokens, limit: limit))
    }

    /// Offsets and lengths stay that, whatever else reads them; several bounds hold all.
    private mutating func add(_ source: NodeID?, _ use: Use) {
        guard let source else { return }
        switch (uses[source], use) {
        case (.below(let old), .below(let new)): uses[source] = .below(old + new)
        case (nil, _), (.below, _): uses[source] = use
        case (.lengths(_, nil), .lengths): uses[source] = use
        case (.offsets, _), (.lengths, _): break
        }
    }
}
