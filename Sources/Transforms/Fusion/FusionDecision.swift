import GraphIR

/// What became of one candidate for fusion, and why.
public struct FusionDecision: Hashable, Sendable {
    /// A node as people know it: its number changes from pass to pass, op and label do not.
    public struct Site: Hashable, Sendable, CustomStringConvertible {
        /// The op's name, or the region's.
        public let op: String
        /// Where the node stands in the model; empty when the graph does not say.
        public let label: String

        package init(_ node: Node) {
            op = node.op.mnemonic
            label = node.label
        }

        /// `matmul "encoder.layer.0.ffn"`
        public var description: String { label.isEmpty ? op : "\(op) \"\(label)\"" }
    }

    /// What would run together, e.g. `matmul+bias`; two kernels with ` | ` between them.
    public let pattern: String
    /// The node whose result need not be stored when the candidate is fused.
    public let producer: Site
    /// The node that reads it.
    public let consumer: Site
    /// Whether they run together.
    public let isFused: Bool
    /// The rule that applied, or what stood in the way; particulars such as shapes come after a colon. It names neither
    /// numbers of nodes nor their places, so that decisions of equal layers have equal reasons.
    public let reason: String
    /// Bytes of memory traffic that fusing saves in one run, for the extents that the cost model assumes; negative when
    /// it would move more.
    public let bytesSaved: Int

    package init(
        pattern: String, producer: Site, consumer: Site, isFused: Bool, reason: String, bytesSaved: Int
    ) {
        self.pattern = pattern
        self.producer = producer
        self.consumer = consumer
        self.isFused = isFused
        self.reason = reason
        self.bytesSaved = bytesSaved
    }
}
