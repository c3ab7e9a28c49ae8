/// A question about a text.
public struct Question: Hashable, Sendable {
    /// What is asked.
    public var text: String
    /// The text that holds the answer.
    public var context: String

    /// A question about a context.
    public init(_ text: String, context: String) { (self.text, self.context) = (text, context) }
}

/// A part of a context that answers a question, or none.
public struct Answer: Hashable, Sendable {
    /// The part of the context; empty when it does not answer the question.
    public let text: String
    /// Its share of the probability among the best answers.
    public let score: Double
    /// Where it stands in the context, in code points; empty for none.
    public let range: Range<Int>

    /// Whether the context does not answer the question.
    public var isNone: Bool { range.isEmpty }
}

/// How answers are chosen, with the defaults of Hugging Face's examples.
public struct AnswerOptions: Hashable, Sendable {
    /// Tokens of the context that consecutive windows of a long one have in common; 128, or a third of the sequence's length where
    /// that is less, when `nil`.
    public var stride: Int?
    /// Starts and ends that are tried in each window, and answers that are kept.
    public var nBest: Int
    /// Tokens of an answer at most.
    public var maxAnswerLength: Int
    /// Whether a context may not answer its question, as in SQuAD 2.0.
    public var allowsNone: Bool
    /// No answer is given where its score is better than the best answer's by more than this.
    public var nullScoreDiffThreshold: Double

    /// The defaults but for what is given.
    public init(
        stride: Int? = nil, nBest: Int = 20, maxAnswerLength: Int = 30, allowsNone: Bool = false,
        nullScoreDiffThreshold: Double = 0
    ) {
        self.stride = stride
        self.nBest = nBest
        self.maxAnswerLength = maxAnswerLength
        self.allowsNone = allowsNone
        self.nullScoreDiffThreshold = nullScoreDiffThreshold
    }
}
