import GraphIR

extension Graph {
    /// Steps of the interpreter's loops in one run, about: a multiplication of a product is one, an element of any other
    /// result ten.
    ///
    /// - Parameter symbols: values of the symbols; one that is missing counts as 1.
    package func interpretedOperationCount(_ symbols: [String: Int]) -> Int {
        func count(_ shape: some Sequence<Dimension>) -> Double {
            shape.reduce(1) { $0 * Double(max(1, $1.extent(symbols) ?? 1)) }
        }
        var work = 0.0
        for node in nodes {
            if case .fusion(let region) = node.op {
                work += Double(region.body.interpretedOperationCount(symbols))
                continue
            }
            switch node.op.traits.work {
            case .products(let depth):
                let extent = depth.dimension(node.operands.map(type(of:)))
                work += count(node.types[0].shape) * count([extent])
            case .attention:
                let tokens = type(of: node.operands[0]).shape
                work += 10 * count(tokens) * count(tokens.prefix(1))
            case .none, .elements: for type in node.types { work += 10 * count(type.shape) }
            }
        }
        return Int(min(work, 0x1p62))
    }
}
