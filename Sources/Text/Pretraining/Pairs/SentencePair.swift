/// An example of next-sentence prediction: `[CLS] first [SEP] second [SEP]`.
package struct SentencePair: Equatable, Sendable {
    /// Tokens of the file.
    package var first: Range<Int>
    package var second: Range<Int>
    /// Whether the second part is from another document; else it follows the first one.
    package var isRandom: Bool

    /// Tokens of the sequence, special ones included.
    package var count: Int { first.count + second.count + 3 }
}
