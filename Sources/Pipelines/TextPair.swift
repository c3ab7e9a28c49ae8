/// What a model reads as one sequence: a text, or a text and a second one that is judged with it.
public struct TextPair: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The text, or the first of two.
    public var text: String
    /// The second text; `nil` for a single one.
    public var pair: String?

    /// A text, or a pair of texts.
    public init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }

    public init(stringLiteral value: String) { self.init(value) }
}
