import GraphIR

/// A product of dimensions: the size of a loop or a stride in elements, known when the graph runs.
package struct Extent: Hashable, Sendable, CustomStringConvertible {
    /// The fixed part of the product.
    package let factor: Int
    /// The symbolic parts, in the order given.
    package let symbols: [Dimension]

    package init(_ dimensions: some Sequence<Dimension>) {
        var factor = 1
        var symbols: [Dimension] = []
        for dimension in dimensions {
            if let fixed = dimension.fixedExtent { factor *= fixed } else { symbols.append(dimension) }
        }
        self.factor = factor
        self.symbols = factor == 0 ? [] : symbols
    }

    private init(factor: Int, symbols: [Dimension]) {
        self.factor = factor
        self.symbols = factor == 0 ? [] : symbols
    }

    package static func fixed(_ value: Int) -> Extent { Extent(factor: value, symbols: []) }
    package static let one = Extent.fixed(1)

    package var fixedValue: Int? { symbols.isEmpty ? factor : nil }

    package static func * (left: Extent, right: Extent) -> Extent {
        Extent(factor: left.factor * right.factor, symbols: left.symbols + right.symbols)
    }

    /// The value under `bindings`; traps when a symbol is unbound, which the executor has checked before.
    package func value(_ bindings: [String: Int]) -> Int {
        symbols.reduce(factor) { product, dimension in
            guard let extent = dimension.extent(bindings) else {
                preconditionFailure("symbol of \(dimension) is not bound")
            }
            return product * extent
        }
    }

    package var description: String {
        if symbols.isEmpty { return "\(factor)" }
        let product = symbols.map { $0.offset == 0 ? "\($0)" : "(\($0))" }.joined(separator: "*")
        return factor == 1 ? product : "\(factor)*\(product)"
    }
}
