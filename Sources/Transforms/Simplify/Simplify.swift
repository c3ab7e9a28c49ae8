import GraphIR

extension Pass {
    /// Applies `RewriteRule.all` until none matches.
    ///
    /// Every rule leaves fewer nodes, a smaller constant or an op closer to the normal form (`mul` before
    /// `div`, flags before `transpose`), so the walks come to an end. Nodes that a rewrite leaves without
    /// users stay for `dead-code`. Results are equal bit for bit, but for the sign of a zero (`add-zero`) and
    /// one rounding (`scale-twice`).
    ///
    /// There is no `x * 0 = 0` and no `x - x = 0`: both are wrong for infinities and NaN, which must stay
    /// visible.
    public static let simplify = Pass("simplify") { (graph: inout Graph) throws(IRError) in
        var changed = false
        while try !RewriteRule.walk(&graph, RewriteRule.all).isEmpty { changed = true }
        return changed
    }
}

extension RewriteRule {
    /// The table. The first rule that matches a node wins; the others get their turn in the next walk.
    static let all: [RewriteRule] = arithmetic + casts + shapes + columns + contractions + broadcasts

    /// One walk over the graph in which the first matching rule rewrites each node; the names of the rules that
    /// did.
    static func walk(_ graph: inout Graph, _ rules: [RewriteRule]) throws(IRError) -> [String] {
        var rewriter = GraphRewriter(graph)
        let oldReads = liveReads(graph)
        // How often old values that a new value stands for are read: at least as often as the new one will be.
        var reads: [Value: Int] = [:]
        var applied: [String] = []
        for id in graph.nodeIDs {
            if let (value, rule) = try rewritten(id, &rewriter, rules, reads) {
                rewriter.replace(id, with: [value])
                applied.append(rule)
            } else {
                try rewriter.copy(id)
            }
            for result in graph[id].types.indices {
                let old = Value(id, result: result)
                reads[rewriter.replacement(old), default: 0] += oldReads[old] ?? 0
            }
        }
        if !applied.isEmpty { graph = rewriter.finish() }
        return applied
    }
}

/// How many live nodes, outputs and updates read each value; what earlier rewrites left behind does not count.
private func liveReads(_ graph: Graph) -> [Value: Int] {
    let isLive = graph.liveNodes()
    var reads: [Value: Int] = [:]
    for id in graph.nodeIDs where isLive[id.index] {
        for operand in graph[id].operands { reads[operand, default: 0] += 1 }
    }
    for root in graph.roots { reads[root, default: 0] += 1 }
    return reads
}

/// What the first matching rule makes of a node, and that rule's name; rules are about nodes with one result.
private func rewritten(
    _ id: NodeID, _ rewriter: inout GraphRewriter, _ rules: [RewriteRule], _ reads: [Value: Int]
) throws(IRError) -> (value: Value, rule: String)? {
    let node = rewriter.source[id]
    guard node.types.count == 1, !node.operands.isEmpty else { return nil }
    let operands = rewriter.operands(id)
    let site = RewriteSite(
        op: node.op, operands: operands, isOnlyReader: operands.map { reads[$0] == 1 }, type: node.types[0],
        label: node.label)
    for rule in rules {
        do throws(IRError) {
            guard let value = try rule.rewrite(site, &rewriter) else { continue }
            guard rewriter.result.contains(value) else {
                throw IRError("rule", "gives a value that is not in the new graph")
            }
            guard rewriter.type(of: value) == site.type else {
                throw IRError("rule", "gives \(rewriter.type(of: value)) for \(site.type)")
            }
            return (value, rule.name)
        } catch {
            let inner = error.place.isEmpty ? "" : "\(error.place): "
            throw IRError(
                error.rule, "rule \"\(rule.name)\": \(inner)\(error.message)", at: rewriter.source.place(id))
        }
    }
    return nil
}
