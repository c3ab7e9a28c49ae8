import Measuring

/// What was measured for a row of the table.
package struct BenchmarkResult: Sendable {
    /// What bertc is compared with.
    package struct Peer: Sendable {
        /// `PyTorch eager`.
        package let name: String
        package let samples: Samples

        package init(_ name: String, _ samples: Samples) { (self.name, self.samples) = (name, samples) }
    }

    package let name: String
    package let title: String
    package let unit: MeasuredUnit
    package let ours: Samples
    package let peer: Peer?
    package let bar: String?
    /// Model FLOPs a second over what the machine reaches; `nil` where that says nothing.
    package let ceilingShare: Double?

    package init(
        _ workload: Workload, unit: MeasuredUnit = .seconds, ours: Samples, peer: Peer? = nil,
        ceilingShare: Double? = nil
    ) {
        (name, title, bar) = (workload.name, workload.title, workload.bar)
        (self.unit, self.ours, self.peer, self.ceilingShare) = (unit, ours, peer, ceilingShare)
    }

    /// How many times faster than the peer bertc is; of memory, bertc's over the peer's.
    package var times: Double? {
        guard let peer else { return nil }
        let ratio = peer.samples.median / ours.median
        return unit == .bytes ? 1 / ratio : ratio
    }
}
