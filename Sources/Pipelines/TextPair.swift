/// What a model reads as one sequence: a text, or a text and a second one that is judged with it.
public struct TextPair: Hashable, Sendable, ExpressibleByStringLiteral {
    public var text: String
    public var pair: String?

    public init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }

    public init(stringLiteral value: String) { self.init(value) }
}
