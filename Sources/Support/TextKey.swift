/// A string as a key: two are equal when they have the same code points.
///
/// Swift's `String` compares by canonical equivalence, which merges "é" composed and decomposed, or "K" and the Kelvin
/// sign. Tokens, labels, columns and JSON names that differ in code points are different things, so wherever one of
/// them is a key, it is a key of this type.
public struct TextKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let text: String

    public init(_ text: some StringProtocol) { self.text = String(text) }

    public var description: String { text }

    public static func == (left: TextKey, right: TextKey) -> Bool {
        left.text.hasSameCodePoints(as: right.text)
    }

    /// The order of code points, which does not depend on the locale or on normalisation.
    public static func < (left: TextKey, right: TextKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension StringProtocol {
    /// Whether the two are the same sequence of code points.
    public func hasSameCodePoints(as other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}

extension TextKey: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}
