import GraphIR

/// The nodes of one attention in its plain form.
struct AttentionMatch {
    struct Gradient {
        let dout: Value
        /// The nodes that compute dq, dk and dv; `nil` where the graph does not ask for one.
        let results: [NodeID?]
    }

    /// q, k and v.
    let tensors: [Value]
    /// offsets, lengths, and rng with dropout.
    let rest: [Value]
    let attributes: AttentionAttributes
    /// The node that computes the result.
    let context: NodeID
    let gradient: Gradient?
    /// All nodes that the ops replace.
    let nodes: Set<NodeID>
}

/// Why a scores product is not the start of a match.
struct AttentionRejection: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Finds attention in a graph, starting from each product of queries and keys.
struct AttentionMatcher {
    private let graph: Graph
    private var users: [Value: [NodeID]] = [:]
    private let roots: Set<Value>
    private(set) var candidates: [(scores: NodeID, match: Result<AttentionMatch, AttentionRejection>)] = []

    init(_ graph: Graph) {
        self.graph = graph
        roots = Set(graph.roots)
        for id in graph.nodeIDs {
            for operand in Set(graph[id].operands) { users[operand, default: []].append(id) }
        }
        var taken: Set<NodeID> = []
        for id in graph.nodeIDs where form(id) == .scores && !taken.contains(id) {
            let match = Result { () throws(AttentionRejection) in try attention(from: id) }
            if case .success(let match) = match { taken.formUnion(match.nodes) }
            candidates.append((id, match))
        }
        candidates += graph.nodeIDs.compactMap { id in
            padded(id).map { (id, .failure(AttentionRejection($0))) }
        }
        // A gradient's own product of dout and v may stand before the match that takes it.
        candidates.removeAll { candidate in
            if case .success = candidate.match { false } else { taken.contains(candidate.scores) }
        }
    }

    /// Why the scores of padded sequences, which a plain product computes, are no start of a match; `nil` for other products.
    private func padded(_ id: NodeID) -> String? {
        guard case .contraction(.matmul) = graph[id].op, graph.type(of: graph[id].operands[1]).rank > 2 else {
            return nil
        }
        var value = Value(id)
        // A scale, a mask and the like lie between the scores and the softmax.
        for _ in 0..<6 {
            guard let readers = users[value], let reader = readers.first else { return nil }
            switch graph[reader].op {
            case .normalisation(.softmax):
                return "its sequences are padded to one length, \(graph.type(of: value)); "
                    + "flash_attention takes packed ones, [tokens, heads, size] with offsets and lengths"
            case .elementwise: value = Value(reader)
            default: return nil
            }
        }
        return nil
    }

    // MARK: Forward

    private func attention(from scores: NodeID) throws(AttentionRejection) -> AttentionMatch {
        let node = graph[scores]
        let (q, k, segments) = (node.operands[0], node.operands[1], Array(node.operands[2...]))
        guard graph.type(of: q).element == .f32 else {
            throw AttentionRejection("its elements are not f32: \(graph.type(of: q).element.rawValue)")
        }
        var nodes: Set<NodeID> = [scores]
        let (scaled, scale) = try scaling(Value(scores), &nodes)
        let softmax = try onlyUser(scaled, "its scores")
        if graph[softmax].op == .binary(.add) {
            throw AttentionRejection(
                "its scores are added to, by tokens or keys: only as an operand of attention is a bias by positions"
            )
        }
        guard case .normalisation(.softmax) = graph[softmax].op else {
            throw AttentionRejection("its scores go to '\(graph[softmax].op.mnemonic)', not to a softmax")
        }
        try checkLimits(softmax, segments)
        nodes.insert(softmax)

        let probabilities = Value(softmax)
        var weights = probabilities
        var attributes = AttentionAttributes(scale: scale)
        var rest = segments
        let droppers = users(probabilities) { if case .dropout = $0 { true } else { false } }
        if let dropout = droppers.first, case .dropout(let attribute) = graph[dropout].op {
            guard droppers.count == 1 else { throw AttentionRejection("its probabilities have two dropouts") }
            weights = Value(dropout)
            nodes.insert(dropout)
            if attribute.rate > 0 {
                (attributes.rate, attributes.stream) = (attribute.rate, attribute.stream)
                rest.append(graph[dropout].operands[1])
            }
        }
        let context = try only(ragged(.context, weights, segments), "a product with the values")
        nodes.insert(context)
        let v = graph[context].operands[1]
        guard graph.type(of: v) == graph.type(of: q) else {
            throw AttentionRejection("its values are \(graph.type(of: v)), its queries \(graph.type(of: q))")
        }
        let tensors = [q, k, v]
        let gradient = try gradient(
            tensors, segments, probabilities, weights, scale: scale, after: context, &nodes)
        for value in [scaled, probabilities, weights] { try checkUsers(value, nodes) }
        return AttentionMatch(
            tensors: tensors, rest: rest, attributes: attributes, context: context, gradient: gradient,
            nodes: nodes)
    }

    /// Limits that are each token's sequence's length: segment_broadcast(lengths, offsets, lengths).
    private func checkLimits(_ softmax: NodeID, _ segments: [Value]) throws(AttentionRejection) {
        let operands = graph[softmax].operands
        guard operands.count == 2 else { throw AttentionRejection("its softmax has no limits") }
        let limits = graph[operands[1].node]
        guard case .indexing(.segmentBroadcast) = limits.op, limits.operands == [segments[1]] + segments
        else {
            throw AttentionRejection("its softmax's limits are not the lengths of its sequences")
        }
    }

    // MARK: Gradient

    /// The gradient's nodes, joined to `nodes`; `nil` when the graph has none.
    private func gradient(
        _ tensors: [Value], _ segments: [Value], _ probabilities: Value, _ weights: Value, scale: Double,
        after context: NodeID, _ nodes: inout Set<NodeID>
    ) throws(AttentionRejection) -> AttentionMatch.Gradient? {
        let dvs = ragged(.transposed, weights, segments)
        let softmaxes = users(probabilities) { $0 == .softmaxGradient }
        guard !dvs.isEmpty || !softmaxes.isEmpty else { return nil }
        var results: [NodeID?] = [nil, nil, nil]
        var douts: Set<Value> = []
        if !dvs.isEmpty {
            let dv = try only(dvs, "a gradient of the values")
            results[2] = dv
            nodes.insert(dv)
            douts.insert(graph[dv].operands[1])
        }
        if !softmaxes.isEmpty {
            let softmax = try only(softmaxes, "a gradient of the softmax")
            guard graph[softmax].operands[1] == probabilities else {
                throw AttentionRejection("its probabilities are a gradient as well")
            }
            nodes.insert(softmax)
            douts.insert(try productGradient(softmax, tensors[2], segments, probabilities, weights, &nodes))
            let (slopes, factor) = try scaling(Value(softmax), &nodes)
            guard factor == scale else {
                throw AttentionRejection("its gradient is scaled by \(factor), its scores by \(scale)")
            }
            for (result, form, other) in [(0, RaggedForm.context, tensors[1]), (1, .transposed, tensors[0])] {
                let products = ragged(form, slopes, segments).filter { graph[$0].operands[1] == other }
                guard !products.isEmpty else { continue }
                results[result] = try only(products, "a gradient of the \(result == 0 ? "queries" : "keys")")
                nodes.formUnion(products)
            }
            try checkUsers(slopes, nodes)
        }
        guard douts.count == 1, let dout = douts.first else {
            throw AttentionRejection("its gradients are of different results")
        }
        guard graph.type(of: dout) == graph.type(of: tensors[0]) else {
            throw AttentionRejection("its gradient is of type \(graph.type(of: dout))")
        }
        guard results.compactMap({ $0 }).allSatisfy({ context < $0 }) else {
            throw AttentionRejection("its gradient comes before its result")
        }
        return AttentionMatch.Gradient(dout: dout, results: results)
    }

    /// Follows the softmax gradient's first operand back through dropout to scores(dout, v); returns dout.
    private func productGradient(
        _ softmax: NodeID, _ v: Value, _ segments: [Value], _ probabilities: Value, _ weights: Value,
        _ nodes: inout Set<NodeID>
    ) throws(AttentionRejection) -> Value {
        var value = graph[softmax].operands[0]
        _ = try onlyUser(value, "the gradient of its probabilities")
        if weights != probabilities {
            let (own, dropout) = (graph[weights.node], graph[value.node])
            guard own.op == dropout.op, own.operands[1] == dropout.operands[1] else {
                throw AttentionRejection("the gradient of its probabilities does not apply the same dropout")
            }
            nodes.insert(value.node)
            value = dropout.operands[0]
            _ = try onlyUser(value, "the gradient of its probabilities")
        }
        let product = graph[value.node]
        guard form(value.node) == .scores, Array(product.operands[1...]) == [v] + segments else {
            throw AttentionRejection("the gradient of its probabilities is not a product with the values")
        }
        nodes.insert(value.node)
        return product.operands[0]
    }

    // MARK: Pieces

    private func form(_ id: NodeID) -> RaggedForm? {
        if case .contraction(.raggedMatmul(let form, _)) = graph[id].op { form } else { nil }
    }

    /// The nodes that read `value` and whose op passes the test.
    private func users(_ value: Value, where isWanted: (Op) -> Bool) -> [NodeID] {
        (users[value] ?? []).filter { isWanted(graph[$0].op) }
    }

    /// Ragged products of this form with `left` on the left, over the same sequences.
    private func ragged(_ form: RaggedForm, _ left: Value, _ segments: [Value]) -> [NodeID] {
        (users[left] ?? []).filter { id in
            self.form(id) == form && graph[id].operands[0] == left && graph[id].operands[1] != left
                && Array(graph[id].operands[2...]) == segments
        }
    }

    private func only(_ ids: [NodeID], _ what: String) throws(AttentionRejection) -> NodeID {
        guard ids.count == 1 else {
            throw AttentionRejection(ids.isEmpty ? "there is not \(what)" : "there is more than \(what)")
        }
        return ids[0]
    }

    private func onlyUser(_ value: Value, _ what: String) throws(AttentionRejection) -> NodeID {
        guard !roots.contains(value) else { throw AttentionRejection("\(what) are an output of the graph") }
        let ids = users[value] ?? []
        guard ids.count == 1 else { throw AttentionRejection("\(what) have \(ids.count) users") }
        return ids[0]
    }

    /// Checks that only `nodes` read the value.
    private func checkUsers(_ value: Value, _ nodes: Set<NodeID>) throws(AttentionRejection) {
        guard !roots.contains(value) else {
            throw AttentionRejection("its \(graph[value.node].op.mnemonic) is an output of the graph")
        }
        if let other = (users[value] ?? []).first(where: { !nodes.contains($0) }) {
            throw AttentionRejection(
                "a \(graph[other].op.mnemonic) outside the pattern reads its \(graph[value.node].op.mnemonic) as well"
            )
        }
    }

    /// Steps over a multiplication or division by a number: the product, and the factor (1 without any).
    private func scaling(
        _ value: Value, _ nodes: inout Set<NodeID>
    ) throws(AttentionRejection) -> (Value, Double) {
        guard let ids = users[value], ids.count == 1, !roots.contains(value) else { return (value, 1) }
        let node = graph[ids[0]]
        guard case .elementwise(.binary(let function)) = node.op, node.types[0] == graph.type(of: value)
        else {
            return (value, 1)
        }
        let left = node.operands[0] == value
        guard let number = splat(node.operands[left ? 1 : 0]) else { return (value, 1) }
        let factor: Double
        switch (function, left) {
        case (.mul, _): factor = number
        case (.div, true): factor = 1 / number
        default: return (value, 1)
        }
        guard factor.isFinite else { throw AttentionRejection("its scores are multiplied by \(factor)") }
        nodes.insert(ids[0])
        return (Value(ids[0]), factor)
    }

    private func splat(_ value: Value) -> Double? {
        if case .source(.constant(.splat(let number), _)) = graph[value.node].op { number } else { nil }
    }
}
