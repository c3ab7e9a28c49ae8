/// Why a model cannot be used or trained as asked, or what stopped that.
public struct ModelError: Error, Hashable, CustomStringConvertible {
    /// What kind of mistake it is, for callers that react differently to different ones.
    public enum Kind: Hashable, Sendable {
        /// A file or directory that is not there.
        case missingFile
        /// Files of a model that do not belong together or are not complete, or a model that cannot be trained as the
        /// configuration wants.
        case invalidModel
        /// A task that this model has no head for.
        case wrongTask
        /// A text or data set that the model cannot take.
        case invalidInput
        /// A checkpoint that does not belong to this run, or is damaged.
        case invalidCheckpoint
        /// A setting that does not fit the model or the data.
        case invalidSetting
        /// A step or an evaluation that made NaN or infinity, or found no memory. The parameters are those before it.
        case failedStep
        /// An output that cannot be written.
        case unwritable
    }

    /// What kind of mistake it is.
    public let kind: Kind
    /// The file, setting or step, or the position among the inputs.
    public let place: String
    /// What is wrong, what was expected and the fix, in one line.
    public let message: String

    /// A mistake at a place; `message` says what is wrong, what was expected and the fix.
    public init(_ kind: Kind, _ message: String, at place: String) {
        self.kind = kind
        self.place = place
        self.message = message
    }

    public var description: String { "\(place): \(message)" }
}
