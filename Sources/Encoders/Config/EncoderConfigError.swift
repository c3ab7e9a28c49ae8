/// A `model.json` or `config.json` that does not describe a model which can be built.
public struct EncoderConfigError: Error, CustomStringConvertible, Equatable {
    /// The file, or the name its contents were given.
    public let file: String
    /// The field at fault, by its name in the file; nil when the file as a whole is.
    public let field: String?
    /// What is wrong and what was expected.
    public let problem: String

    public init(file: String, field: String? = nil, problem: String) {
        self.file = file
        self.field = field
        self.problem = problem
    }

    public var description: String {
        guard let field else { return "\(file): \(problem)" }
        return "\(file): '\(field)' \(problem)"
    }
}
