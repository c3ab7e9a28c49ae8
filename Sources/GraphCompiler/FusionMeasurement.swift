/// What fusion is worth on this machine: kernels against the ops that they replace, run in turn.
package struct FusionMeasurement: Sendable {
    /// Regions of one name and shape, measured on the first of them.
    package struct Kind: Sendable {
        package let name: String
        /// The type of the first result.
        package let result: TensorType
        /// How many the graph has.
        package let count: Int
        /// Seconds that one takes: the kernel, and its ops one by one. Medians.
        package let fused: Double
        package let unfused: Double
    }

    package let kinds: [Kind]
    /// Seconds of the whole graph, the optimiser and what did not fuse included. Medians.
    package let fused: Double
    package let unfused: Double
}
