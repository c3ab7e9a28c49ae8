import GraphIR

/// One stage of a compilation, as a person reads it.
public struct CompilationStage: Sendable {
    /// What kind of text a stage has.
    public enum Form: Sendable {
        /// A graph in text form, which compiles again.
        case graph
        /// Kernels with their launches.
        case kernels
        /// LLVM IR of every different phase of the kernels.
        case llvm
    }

    /// `graph` or, for one with updates of parameters, `training`; then the name of each pass, `kernels`, `llvm`.
    public let name: String
    /// What the text is.
    public let form: Form
    /// What the stage consists of: nodes, different kernels, or functions.
    public let count: Int
    /// What it took to make, without writing it down; `nil` for the graph that was given.
    public let seconds: Double?
    /// The stage as text.
    public let text: String

    init(name: String, form: Form, count: Int, seconds: Double?, text: String) {
        self.name = name
        self.form = form
        self.count = count
        self.seconds = seconds
        self.text = text
    }

    /// A graph as it stands; with the name of the pass that made it so, or the name that its updates give it.
    package init(_ graph: Graph, after pass: String? = nil, seconds: Double? = nil) {
        self.init(
            name: pass ?? (graph.updates.isEmpty ? "graph" : "training"), form: .graph,
            count: graph.nodes.count, seconds: seconds, text: graph.description)
    }
}
