/// The extent of one axis: a fixed number, or an affine function `scale * symbol + offset` of a symbol whose
/// value is known only when the graph runs (`tokens`, `sequences + 1`, `12 * tokens`).
public struct Dimension: Hashable, Sendable {
    /// The symbol's name, or `nil` for a fixed extent (then the extent is `offset`).
    public let symbol: String?
    public let scale: Int
    public let offset: Int

    public static func fixed(_ extent: Int) -> Dimension { Dimension(symbol: nil, scale: 0, offset: extent) }

    public static func symbol(_ name: String, scale: Int = 1, offset: Int = 0) -> Dimension {
        Dimension(symbol: name, scale: scale, offset: offset)
    }

    private init(symbol: String?, scale: Int, offset: Int) {
        self.symbol = symbol
        self.scale = scale
        self.offset = offset
    }

    /// The extent when it does not depend on a symbol.
    public var fixedExtent: Int? { symbol == nil ? offset : nil }

    /// The extent under `symbols`; `nil` when the symbol has no value there.
    public func extent(_ symbols: [String: Int]) -> Int? {
        guard let symbol else { return offset }
        guard let value = symbols[symbol] else { return nil }
        return scale * value + offset
    }

    public static func + (left: Dimension, right: Int) -> Dimension {
        Dimension(symbol: left.symbol, scale: left.scale, offset: left.offset + right)
    }

    public static func * (left: Dimension, right: Int) -> Dimension {
        Dimension(symbol: left.symbol, scale: left.scale * right, offset: left.offset * right)
    }
}

extension Dimension: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    public init(integerLiteral value: Int) { self = .fixed(value) }
    public init(stringLiteral name: String) { self = .symbol(name) }
}

extension Dimension: CustomStringConvertible {
    /// `384`, `tokens`, `12*tokens`, `sequences+1`.
    public var description: String {
        guard let symbol else { return "\(offset)" }
        let scaled = scale == 1 ? symbol : "\(scale)*\(symbol)"
        return offset == 0 ? scaled : offset > 0 ? "\(scaled)+\(offset)" : "\(scaled)\(offset)"
    }
}
