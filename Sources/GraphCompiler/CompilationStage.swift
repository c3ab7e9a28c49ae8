/// One stage of a compilation, as a person reads it.
public struct CompilationStage: Sendable {
    public enum Form: Sendable {
        /// A graph in text form, which compiles again.
        case graph
        case kernels
        case llvm
    }

    /// `graph` or, for one with updates of parameters, `training`; then the name of each pass, `kernels`, `llvm`.
    public let name: String
    public let form: Form
    /// What the stage consists of: nodes, different kernels, or functions.
    public let count: Int
    /// What it took to make, without writing it down; `nil` for the graph that was given.
    public let seconds: Double?
    public let text: String
}
