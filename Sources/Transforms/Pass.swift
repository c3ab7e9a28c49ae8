import GraphIR

/// One named transformation of a graph.
///
/// A pass keeps the meaning of the graph: the same inputs give the same outputs and updates, up to the
/// rounding that the pass documents. Names drive disabling, stopping, dumping and timing.
public struct Pass: Sendable {
    public let name: String
    /// Transforms the graph and says whether it changed anything; a graph that did not change is not verified
    /// again.
    public let run: @Sendable (inout Graph) throws(IRError) -> Bool

    public init(_ name: String, run: @escaping @Sendable (inout Graph) throws(IRError) -> Bool) {
        self.name = name
        self.run = run
    }
}
