/// An example of next-sentence prediction, or of sentence order: `[CLS] first [SEP] second [SEP]`.
package struct SentencePair: Equatable, Sendable {
    /// Tokens of the file.
    package var first: Range<Int>
    package var second: Range<Int>
    /// Whether the second part is from another document, or stands before the first one in its own; else it follows it.
    package var isRandom: Bool

    /// Tokens of the sequence, special ones included.
    package var count: Int { first.count + second.count + 3 }
}
