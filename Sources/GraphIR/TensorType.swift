/// Element type and shape of a tensor, e.g. `f32[tokens, 384]`; a scalar has an empty shape.
public struct TensorType: Hashable, Sendable {
    /// The type of the elements.
    public var element: ElementType
    /// Extents of the axes, outermost first; empty for a scalar.
    public var shape: [Dimension]

    /// A type of elements in an array of this shape.
    public init(_ element: ElementType, _ shape: [Dimension]) {
        self.element = element
        self.shape = shape
    }

    /// The number of axes.
    public var rank: Int { shape.count }

    /// The shape as numbers under `symbols`; `nil` when a symbol has no value.
    package func extents(_ symbols: [String: Int]) -> [Int]? {
        var extents: [Int] = []
        for dimension in shape {
            guard let extent = dimension.extent(symbols) else { return nil }
            extents.append(extent)
        }
        return extents
    }

    /// Checks that each extent is one, and that there are not too many elements to count.
    func check() throws(IRError) {
        for dimension in shape { try dimension.check() }
        guard elementCount.factor <= Dimension.limit else {
            throw .type("\(self) has more than \(Dimension.limit) elements")
        }
    }

    /// Checks that values of the symbols make a tensor of this.
    package func check(_ symbols: [String: Int]) throws(IRError) {
        var count = 1
        for dimension in shape {
            guard let extent = dimension.extent(symbols) else { continue }
            guard extent >= 0 else {
                throw .type("the extent \(dimension) of \(self) would be \(extent)")
            }
            count = saturatingProduct(count, extent)
        }
        guard count <= Dimension.limit else {
            throw .type("\(self) would have more than \(Dimension.limit) elements")
        }
    }

    /// The number of elements as a product: a fixed factor and the symbolic factors, sorted.
    package var elementCount: SymbolicCount { SymbolicCount(shape) }
}

extension TensorType: CustomStringConvertible {
    public var description: String {
        "\(element.rawValue)[\(shape.map(\.description).joined(separator: ", "))]"
    }
}

/// A product of dimensions in normal form, so that two shapes can be compared for equal element counts.
package struct SymbolicCount: Hashable, Sendable {
    package let factor: Int
    /// Symbolic factors with their scale moved into `factor` where the offset is zero; sorted by text.
    package let symbols: [Dimension]

    init(_ shape: [Dimension]) {
        var factor = 1
        var symbols: [Dimension] = []
        for dimension in shape {
            if let fixed = dimension.fixedExtent {
                factor = saturatingProduct(factor, fixed)
            } else if dimension.offset == 0, let name = dimension.symbol {
                factor = saturatingProduct(factor, dimension.scale)
                symbols.append(.symbol(name))
            } else {
                symbols.append(dimension)
            }
        }
        self.factor = factor
        self.symbols = symbols.sorted { $0.description < $1.description }
    }
}
