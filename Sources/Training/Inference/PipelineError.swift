/// Why a saved model cannot do what was asked of it.
public struct PipelineError: Error, Hashable, CustomStringConvertible {
    /// What kind of mistake it is, for callers that react differently to different ones.
    public enum Kind: Hashable, Sendable {
        /// A file or directory that is not there.
        case missingFile
        /// Files of a model that do not belong together, or are not complete.
        case invalidModel
        /// A task that this model has no head for.
        case wrongTask
        /// A text or data set that the model cannot take.
        case invalidInput
    }

    public let kind: Kind
    /// The file, or the position among the inputs.
    public let place: String
    /// What is wrong, what was expected and the fix, in one line.
    public let message: String

    public init(_ kind: Kind, _ message: String, at place: String) {
        self.kind = kind
        self.place = place
        self.message = message
    }

    public var description: String { "\(place): \(message)" }
}
