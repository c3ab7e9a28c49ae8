/// An example of next-sentence prediction, or of sentence order: two parts of a text file's tokens, around which the
/// tokeniser puts special tokens.
package struct SentencePair: Equatable, Sendable {
    /// Tokens of the file.
    package var first: Range<Int>
    package var second: Range<Int>
    /// Whether the second part is from another document, or stands before the first one in its own; else it follows it.
    package var isRandom: Bool

    /// Tokens of both parts.
    package var count: Int { first.count + second.count }
}
