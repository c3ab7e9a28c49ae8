/// A string as a key: two are equal when they have the same code points.
///
/// Swift's `String` compares by canonical equivalence, which merges "é" composed and decomposed, or "K" and the Kelvin
/// sign. Tokens, labels, columns and JSON names that differ in code points are different things, so wherever one of
/// them is a key, it is a key of this type.
package struct TextKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: some StringProtocol) { self.text = String(text) }

    package var description: String { text }

    package static func == (left: TextKey, right: TextKey) -> Bool {
        left.text.hasSameCodePoints(as: right.text)
    }

    /// The order of code points, which does not depend on the locale or on normalisation.
    package static func < (left: TextKey, right: TextKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension StringProtocol {
    /// Whether the two are the same sequence of code points.
    package func hasSameCodePoints(as other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}

extension TextKey: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}
