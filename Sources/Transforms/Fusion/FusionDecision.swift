/// What became of one candidate for fusion, and why.
public struct FusionDecision: Hashable, Sendable {
    /// What would run together, e.g. `matmul+bias`.
    public let pattern: String
    /// The node whose result need not be stored when the candidate is fused, as errors name it.
    public let producer: String
    /// The node that reads it.
    public let consumer: String
    public let isFused: Bool
    /// The rule that applied, or what stood in the way.
    public let reason: String
    /// Bytes of memory traffic that fusing saves in one run, for the extents that the cost model assumes.
    public let bytesSaved: Int

    public init(
        pattern: String, producer: String, consumer: String, isFused: Bool, reason: String, bytesSaved: Int
    ) {
        self.pattern = pattern
        self.producer = producer
        self.consumer = consumer
        self.isFused = isFused
        self.reason = reason
        self.bytesSaved = bytesSaved
    }
}
