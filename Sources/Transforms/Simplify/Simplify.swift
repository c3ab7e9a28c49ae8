import GraphIR

extension Pass {
    /// Applies `RewriteRule.all` until none matches.
    ///
    /// Every rule leaves fewer nodes, a smaller constant or an op closer to the normal form (`mul` before `div`,
    /// flags before `transpose`), so the walks come to an end. Nodes that a rewrite leaves without users stay for
    /// `dead-code`. Results are equal bit for bit, but for the sign of a zero (`add-zero`) and one rounding
    /// (`scale-twice`).
    ///
    /// There is no `x * 0 = 0` and no `x - x = 0`: both are wrong for infinities and NaN, which must stay visible.
    public static let simplify = Pass("simplify") { (graph: inout Graph) throws(IRError) in
        var changed = false
        while try applyRulesOnce(to: &graph) { changed = true }
        return changed
    }
}

extension RewriteRule {
    /// The table. The first rule that matches a node wins; the others get their turn in the next walk.
    static let all: [RewriteRule] = arithmetic + casts + shapes + contractions + broadcasts
}

/// One walk over the graph; `false` when no rule matched.
private func applyRulesOnce(to graph: inout Graph) throws(IRError) -> Bool {
    var rewriter = GraphRewriter(graph)
    var changed = false
    for id in graph.nodeIDs {
        if let value = try rewritten(id, &rewriter) {
            rewriter.replace(id, with: [value])
            changed = true
        } else {
            try rewriter.copy(id)
        }
    }
    if changed { graph = rewriter.finish() }
    return changed
}

/// What the first matching rule makes of a node; rules are about nodes with one result.
private func rewritten(_ id: NodeID, _ rewriter: inout GraphRewriter) throws(IRError) -> Value? {
    let node = rewriter.source[id]
    guard node.types.count == 1, !node.operands.isEmpty else { return nil }
    let site = RewriteSite(
        op: node.op, operands: rewriter.operands(id), type: node.types[0], label: node.label)
    for rule in RewriteRule.all {
        guard let value = try rule.rewrite(site, &rewriter) else { continue }
        precondition(rewriter.type(of: value) == site.type, "rule \(rule.name) changed a type")
        return value
    }
    return nil
}
