import GraphIR

/// What one run of a pass did.
public struct PassRecord: Sendable {
    public let name: String
    /// The graph after it.
    public let graph: Graph
    /// What the pass took, without the verifier.
    public let seconds: Double
    public let changed: Bool
}
