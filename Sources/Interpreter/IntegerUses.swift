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
        /// Rows of sequences, counted from the first of each, whose starts among so many tokens are added to them.
        case rows(tokens: Dimension)
    }

    /// Given tensors that are added up.
    private var sums: [(NodeID, NodeID)] = []
    private var uses: [NodeID: Use] = [:]

    subscript(source: NodeID) -> Use? { uses[source] }

    init(_ graph: Graph) {
        var origins: [Value: NodeID] = [:]
        for id in graph.inputs + graph.parameters { origins[Value(id)] = id }
        visit(graph, &origins)
        for (left, right) in sums + sums.map({ ($1, $0) }) {
            guard case .offsets(let tokens)? = uses[left] else { continue }
            switch uses[right] {
            case .offsets, .lengths: continue
            case .below, .rows, nil: uses[right] = .rows(tokens: tokens)
            }
        }
    }

    /// - Parameter origins: the given tensor that each value holds in another form.
    private mutating func visit(_ graph: Graph, _ origins: inout [Value: NodeID]) {
        for id in graph.nodeIDs {
            let node = graph[id]
            if case .fusion(let region) = node.op {
                var inner: [Value: NodeID] = [:]
                for (input, operand) in zip(region.body.inputs, node.operands) {
                    inner[Value(input)] = origins[operand]
                }
                visit(region.body, &inner)
            } else if node.op.keepsNumbers {
                origins[Value(id)] = origins[node.operands[0]]
            } else if case .elementwise(.binary(.add)) = node.op, let left = origins[node.operands[0]],
                let right = origins[node.operands[1]]
            {
                sums.append((left, right))
            } else {
                note(node, node.operands.map(graph.type(of:)), node.operands.map { origins[$0] })
            }
        }
    }

    /// Notes what an op does with the given tensors among its operands.
    private mutating func note(_ node: Node, _ types: [TensorType], _ origins: [NodeID?]) {
        for operand in node.op.traits.integers where operand.position < origins.count {
            guard let source = origins[operand.position] else { continue }
            switch operand.use {
            case .below(let bound): add(source, .below([bound.dimension(types)]))
            case .offsets(let tokens): add(source, .offsets(tokens: tokens.dimension(types)))
            case .lengths(let tokens, let limit):
                add(source, .lengths(tokens: tokens.dimension(types), limit: limit))
            }
        }
    }

    /// Offsets and lengths stay that, whatever else reads them; several bounds hold all.
    private mutating func add(_ source: NodeID, _ use: Use) {
        switch (uses[source], use) {
        case (.below(let old), .below(let new)): uses[source] = .below(old + new)
        case (nil, _), (.below, _): uses[source] = use
        case (.lengths(_, nil), .lengths): uses[source] = use
        case (.offsets, _), (.lengths, _), (.rows, _): break
        }
    }
}

extension Op {
    /// Whether the result holds the numbers of the first operand, in another shape or type.
    fileprivate var keepsNumbers: Bool {
        switch self {
        case .elementwise(.cast): true
        case .shape(let shape):
            switch shape {
            case .reshape, .broadcast, .transpose, .slice: true
            case .concatenate: false
            }
        case .source, .elementwise, .dropout, .stochasticRound, .reduction, .contraction, .normalisation,
            .quantization,
            .attention, .loss,
            .indexing, .optimizer, .fusion, .custom:
            false
        }
    }
}
