import GraphIR

/// What one group of layers computes again.
public struct RecomputeDecision: Hashable, Sendable {
    /// The group's first node that runs again.
    public let first: FusionDecision.Site
    /// The group's last node that runs again.
    public let last: FusionDecision.Site
    /// The backward node before which that begins.
    public let reader: FusionDecision.Site
    /// Nodes that run again, e.g. `flash_attention` or, of a region, its name; each as often as it does.
    public let nodes: [String]
    /// Bytes that the backward pass reads of the group without recomputation, for the extents that the cost model assumes.
    public let bytesBefore: Int
    /// Bytes of what is held instead.
    public let bytesHeld: Int
    /// Operations that are done again, about, for the same extents.
    public let operations: Int

    package init(
        first: FusionDecision.Site, last: FusionDecision.Site, reader: FusionDecision.Site, nodes: [String],
        bytesBefore: Int, bytesHeld: Int, operations: Int
    ) {
        self.first = first
        self.last = last
        self.reader = reader
        self.nodes = nodes
        self.bytesBefore = bytesBefore
        self.bytesHeld = bytesHeld
        self.operations = operations
    }
}
