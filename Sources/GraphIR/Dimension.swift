/// The extent of one axis: a fixed number, or an affine function `scale * symbol + offset` of a symbol whose
/// value is known only when the graph runs (`tokens`, `sequences + 1`, `12 * tokens`).
public struct Dimension: Hashable, Sendable {
    /// The symbol's name, or `nil` for a fixed extent (then the extent is `offset`).
    public let symbol: String?
    /// The factor of the symbol; 0 for a fixed extent.
    public let scale: Int
    /// What is added to it.
    public let offset: Int

    /// A number that is the same in every run, at least 0.
    public static func fixed(_ extent: Int) -> Dimension { Dimension(symbol: nil, scale: 0, offset: extent) }

    /// `scale * name + offset`, with a value that each run gives to the symbol `name`.
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
        return saturatingSum(saturatingProduct(scale, value), offset)
    }

    /// The extent with `right` more elements: `"sequences" + 1`.
    public static func + (left: Dimension, right: Int) -> Dimension {
        Dimension(symbol: left.symbol, scale: left.scale, offset: saturatingSum(left.offset, right))
    }

    /// The extent times `right`.
    public static func * (left: Dimension, right: Int) -> Dimension {
        Dimension(
            symbol: left.symbol, scale: saturatingProduct(left.scale, right),
            offset: saturatingProduct(left.offset, right))
    }

    /// Numbers in a dimension lie below this, so that sums of a few of them can't overflow.
    static let limit = 1 << 40

    /// Words of the text form that can't name a symbol.
    private static let reserved: Set<String> = ["true", "false", "inf", "nan"]

    /// Checks that this can be the extent of an axis and be written down: a fixed extent is not negative, a scale
    /// is positive, a symbol is a word.
    func check() throws(IRError) {
        guard (-Self.limit...Self.limit).contains(offset), scale <= Self.limit,
            symbol == nil ? offset >= 0 : scale > 0
        else {
            throw .type("'\(self)' can't be an extent: it is negative, or its numbers are too large")
        }
        let word = (symbol ?? "n").utf8
        let letters = word.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard letters, let first = word.first, first > UInt8(ascii: "9"),
            !Self.reserved.contains(symbol ?? "n")
        else {
            throw .type(
                "'\(symbol ?? "")' can't name a symbol: use letters, digits and '_', not true, false, inf, nan"
            )
        }
    }
}

/// The product, or the nearest `Int` when it overflows.
func saturatingProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? ((a < 0) == (b < 0) ? Int.max : Int.min) : product
}

/// The sum, or the nearest `Int` when it overflows.
func saturatingSum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (a < 0 ? Int.min : Int.max) : sum
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
