/// Why an engine did not answer.
public struct InferenceError: Error, Hashable, CustomStringConvertible {
    /// What kind of refusal it is, for callers that react differently to different ones.
    public enum Kind: Hashable, Sendable {
        /// More texts are waiting than the engine's options allow.
        case overloaded
        /// A text that is too long, or an option that does not fit the model.
        case invalidInput
        /// A text that cannot be tokenised.
        case tokenizer
        /// The model has no head for the task.
        case wrongTask
        /// The computation made NaN or infinity, or found no memory.
        case failed
    }

    /// What kind of refusal it is.
    public let kind: Kind
    /// What is wrong, what was expected and the fix, in one line.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
