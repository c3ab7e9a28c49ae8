import GraphIR
import KernelIR

/// The memory of one run: every tensor and working buffer with its size, place and lifetime.
///
/// Bytes are those of the plan, which rounds what lives in the arena up to its alignment.
package struct MemoryReport: Sendable {
    package enum Category: String, Sendable, CaseIterable {
        /// Parameters but the optimiser's states.
        case weights
        /// Weights once more, as the panels that products read.
        case panels
        /// States of the optimiser.
        case optimizer
        /// What the optimiser reads as a parameter's gradient.
        case gradients
        /// Inputs, and everything else that nodes compute.
        case activations
        /// Working memory of single launches: packed panels, partial sums.
        case workspace
        /// Constants of fixed shape that are kept as tensors.
        case constants
    }

    /// A tensor or a working buffer.
    package struct Allocation: Sendable {
        /// The value, e.g. `%12`, or the working buffer, `w3`, as listings name them.
        package let name: String
        /// The node that writes it, or reads it first.
        package let node: NodeID
        package let category: Category
        package let byteCount: Int
        /// Where it starts in the arena; `nil` for what outlives the run.
        package let offset: Int?
        /// From the launch that writes it to the last that reads it.
        package let launches: ClosedRange<Int>
    }

    /// What lives while one launch runs.
    package struct Moment: Sendable {
        package let node: NodeID
        package let byteCounts: [Category: Int]

        package var byteCount: Int { byteCounts.values.reduce(0, +) }
    }

    /// In the order of the graph; what outlives the run first.
    package let allocations: [Allocation]
    /// One moment a launch, in the order in which they run.
    package let timeline: [Moment]
    /// Bytes of the arena, gaps included.
    package let arenaByteCount: Int
    /// Private memory of each worker thread, beside the arena.
    package let scratchByteCount: Int

    /// The launch during which most memory is live; `nil` when nothing runs.
    package var peak: (launch: Int, moment: Moment)? {
        let index = timeline.indices.max { timeline[$0].byteCount < timeline[$1].byteCount }
        return index.map { ($0, timeline[$0]) }
    }

    /// The most that is live of one category at any time.
    package func peakByteCount(_ category: Category) -> Int {
        timeline.map { $0.byteCounts[category] ?? 0 }.max() ?? 0
    }

    package func count(_ category: Category) -> Int { allocations.count { $0.category == category } }

    init(allocations: [Allocation], nodes: [NodeID], arenaByteCount: Int, scratchByteCount: Int) {
        self.allocations = allocations
        self.arenaByteCount = arenaByteCount
        self.scratchByteCount = scratchByteCount
        var changes: [[Category: Int]] = Array(repeating: [:], count: nodes.count + 1)
        for allocation in allocations where !nodes.isEmpty {
            changes[allocation.launches.lowerBound][allocation.category, default: 0] += allocation.byteCount
            changes[allocation.launches.upperBound + 1][allocation.category, default: 0] -=
                allocation.byteCount
        }
        var live: [Category: Int] = [:]
        timeline = nodes.enumerated().map { index, node in
            live.merge(changes[index], uniquingKeysWith: +)
            return Moment(node: node, byteCounts: live)
        }
    }
}
