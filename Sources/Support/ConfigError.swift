/// A configuration, such as a `config.json` or a `train.json`, that does not describe what it should: a model that can be
/// built, or a training run.
public struct ConfigError: Error, Hashable, CustomStringConvertible {
    /// The file, or the name that the configuration was given.
    public let file: String
    /// The field at fault; `nil` when the file as a whole is.
    public let field: String?
    /// What is wrong, what was expected and the fix.
    public let problem: String

    package init(file: String, field: String? = nil, problem: String) {
        self.file = file
        self.field = field
        self.problem = problem
    }

    public var description: String {
        guard let field else { return "\(file): \(problem)" }
        return "\(file): '\(field)' \(problem)"
    }
}
