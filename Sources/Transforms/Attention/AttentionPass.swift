import GraphIR

extension Pass {
    /// context(dropout(softmax(scale scores(q, k))), v) = flash_attention(q, k, v), and its gradients, where the graph
    /// has them, = flash_attention_gradient.
    ///
    /// It fires when the softmax covers each sequence's real keys and nothing outside the pattern reads scores or
    /// probabilities. Every scores product is a candidate that the context is told of. Sums run in another order.
    package static let attention = Pass("attention") { (graph: inout Graph, context) throws(IRError) in
        let candidates = AttentionMatcher(graph).candidates
        for candidate in candidates {
            context.explain?(graph.decision(candidate.scores, candidate.match, context))
        }
        let matches = candidates.compactMap { try? $0.match.get() }
        guard !matches.isEmpty else { return false }
        var rewriter = AttentionRewriter(graph, matches)
        for id in graph.nodeIDs { try rewriter.visit(id) }
        graph = rewriter.rewriter.finish()
        return true
    }
}

extension Graph {
    /// What the pass decides about the attention that starts at a product of queries and keys. Fused, what its nodes
    /// hand to each other is never stored; of a rejected one that is at least the scores.
    fileprivate func decision(
        _ scores: NodeID, _ match: Result<AttentionMatch, AttentionRejection>, _ context: PassContext
    ) -> FusionDecision {
        let (reason, inner, last): (String, Set<NodeID>, NodeID)
        switch match {
        case .success(let match):
            let kept = Set([match.context] + (match.gradient?.results.compactMap { $0 } ?? []))
            (reason, inner, last) = (
                "one kernel keeps the scores in the cache", match.nodes.subtracting(kept), match.context
            )
        case .failure(let rejection):
            let reader = nodeIDs.first { self[$0].operands.contains(Value(scores)) }
            (reason, inner, last) = (rejection.reason, [scores], reader ?? scores)
        }
        return FusionDecision(
            pattern: "attention", producer: FusionDecision.Site(self[scores]),
            consumer: FusionDecision.Site(self[last]), isFused: (try? match.get()) != nil, reason: reason,
            bytesSaved: inner.reduce(0) { $0 + 2 * context.costModel.byteCount(self[$1].types[0]) })
    }
}

/// Puts the ops in place of the nodes of all matches.
private struct AttentionRewriter {
    var rewriter: GraphRewriter
    /// Which match a node belongs to.
    private var owners: [NodeID: Int] = [:]
    private let matches: [AttentionMatch]
    /// The new results of each match, as far as they exist.
    private var forward: [Int: [Value]] = [:]
    private var gradients: [Int: [Value]] = [:]

    init(_ graph: Graph, _ matches: [AttentionMatch]) {
        rewriter = GraphRewriter(graph)
        self.matches = matches
        for (index, match) in matches.enumerated() { for id in match.nodes { owners[id] = index } }
    }

    mutating func visit(_ id: NodeID) throws(IRError) {
        guard let owner = owners[id] else { return try rewriter.copy(id) }
        let match = matches[owner]
        if id == match.context {
            let results = try emit(
                .flashAttention(match.attributes), match.tensors, match.rest, at: id, results: 2)
            forward[owner] = results
            rewriter.replace(id, with: [results[0]])
        } else if let gradient = match.gradient, let result = gradient.results.firstIndex(of: id) {
            rewriter.replace(id, with: [try gradientResults(owner, gradient, at: id)[result]])
        } else {
            rewriter.drop(id)
        }
    }

    /// (dq, dk, dv), made where the first of them is needed.
    private mutating func gradientResults(
        _ owner: Int, _ gradient: AttentionMatch.Gradient, at id: NodeID
    ) throws(IRError) -> [Value] {
        if let known = gradients[owner] { return known }
        guard let forward = forward[owner] else { preconditionFailure("a gradient comes after its result") }
        let match = matches[owner]
        let op = Op.flashAttentionGradient(match.attributes)
        let operands = [gradient.dout] + match.tensors
        let results = try emit(op, operands, match.rest, at: id, results: 3, between: forward)
        gradients[owner] = results
        return results
    }

    /// Appends an op on old values, with new values between them.
    private mutating func emit(
        _ op: Op, _ first: [Value], _ last: [Value], at id: NodeID, results: Int, between: [Value] = []
    ) throws(IRError) -> [Value] {
        let operands = first.map(rewriter.replacement) + between + last.map(rewriter.replacement)
        let value = try rewriter.emit(op, operands, label: rewriter.source[id].label)
        return (0..<results).map { Value(value.node, result: $0) }
    }
}
