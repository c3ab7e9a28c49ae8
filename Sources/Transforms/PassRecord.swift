import GraphIR

/// What one run of a pass did.
public struct PassRecord: Sendable {
    /// The pass's name.
    public let name: String
    /// The graph after it.
    public let graph: Graph
    /// What the pass took, without the verifier.
    public let seconds: Double
    /// Whether the pass changed anything.
    public let changed: Bool
}
