import GraphIR

extension Pass {
    /// Applies a client's rewrite rules until none matches, to the graph as the client built it: before anything
    /// is decomposed or simplified.
    ///
    /// Throws when a rule gives a value of another type than its node's, and when the rules do not come to an
    /// end: after more than 4 rewrites for each node of the graph, and 100 more.
    package static func userRules(_ rules: [RewriteRule]) -> Pass {
        Pass("user-rules") { (graph: inout Graph) throws(IRError) in
            let limit = 4 * graph.nodes.count + 100
            var counts: [String: Int] = [:]
            var total = 0
            while true {
                let applied = try RewriteRule.walk(&graph, rules)
                guard !applied.isEmpty else { return total > 0 }
                for rule in applied { counts[rule, default: 0] += 1 }
                total += applied.count
                if total > limit, let busiest = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
                    throw IRError(
                        "rule",
                        "rule \"\(busiest.key)\" was applied \(busiest.value) times and its result still "
                            + "matches; a rule must not match what it builds")
                }
            }
        }
    }
}
