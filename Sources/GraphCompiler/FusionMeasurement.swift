/// What fusion is worth on this machine: kernels against the ops that they replace, run in turn.
public struct FusionMeasurement: Sendable {
    /// Regions of one name and shape, measured on the first of them.
    public struct Kind: Sendable {
        public let name: String
        /// The type of the first result.
        public let result: TensorType
        /// How many the graph has.
        public let count: Int
        /// Seconds that one takes: the kernel, and its ops one by one. Medians.
        public let fused: Double
        public let unfused: Double
    }

    public let kinds: [Kind]
    /// Seconds of the whole graph, the optimiser and what did not fuse included. Medians.
    public let fused: Double
    public let unfused: Double
}
