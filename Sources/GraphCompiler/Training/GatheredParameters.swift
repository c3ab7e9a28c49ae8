import GraphIR

extension Graph {
    /// The trainable parameters that are read by rows alone, such as embedding tables, whose gradients are 0 but for these rows:
    /// by name, the elements that are read of each.
    ///
    /// - Parameter symbols: what fixes shapes; without values nothing is counted.
    func gatheredParameters(_ symbols: [String: Int] = [:]) -> [String: Int] {
        var counts: [String: Int] = [:]
        var others: Set<String> = []
        for id in nodeIDs {
            for (position, operand) in self[id].operands.enumerated() {
                guard case .source(.parameter(let name, _, .trainable)) = self[operand.node].op else {
                    continue
                }
                if case .indexing(.gather) = self[id].op, position == 0 {
                    counts[name, default: 0] += type(of: Value(id)).extents(symbols)?.reduce(1, *) ?? 0
                } else {
                    others.insert(name)
                }
            }
        }
        return counts.filter { !others.contains($0.key) }
    }
}
