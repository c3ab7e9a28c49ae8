import GraphIR
import KernelIR

extension Executor {
    /// What runs hold in memory beside the parameters. Graphs over the same parameters share it: they need the
    /// greatest of each, not the sum.
    public struct RunByteCounts: Hashable, Sendable {
        /// Inputs, activations, gradients, workspaces.
        public var arena = 0
        /// Private memory of all workers.
        public var scratch = 0

        public init() {}

        public var total: Int { arena + scratch }

        public mutating func formMaximum(_ other: RunByteCounts) {
            arena = max(arena, other.arena)
            scratch = max(scratch, other.scratch)
        }
    }

    /// What runs with any of these symbols will hold.
    ///
    /// - Precondition: each has every symbol of the graph. So for `reserve`.
    public func byteCounts(of shapes: [[String: Int]]) -> RunByteCounts {
        var counts = RunByteCounts()
        guard let sizes = sizes(of: shapes) else { return counts }
        let plan = MemoryPlan(schedule, sizes)
        let scratch =
            shapes.map { BoundProgram(schedule, names: [], symbols: $0).scratchByteCount }.max() ?? 0
        counts.arena = AlignedMemory.mappedByteCount(plan.byteCount)
        counts.scratch = pool.threads * AlignedMemory.mappedByteCount(scratch)
        return counts
    }

    /// Plans and takes now what runs with any of these symbols need, so that no run has to grow anything.
    public func reserve(_ shapes: [[String: Int]]) throws {
        guard let sizes = sizes(of: shapes) else { return }
        let scratch =
            shapes.map { BoundProgram(schedule, names: [], symbols: $0).scratchByteCount }.max() ?? 0
        try pool.session { try reserve(sizes, scratch: scratch) }
    }

    /// The greatest size of everything.
    private func sizes(of shapes: [[String: Int]]) -> MemoryPlan.Sizes? {
        guard let first = shapes.first else { return nil }
        var greatest = MemoryPlan.Sizes(program, schedule, first)
        for symbols in shapes.dropFirst() {
            greatest.formMaximum(MemoryPlan.Sizes(program, schedule, symbols))
        }
        return greatest
    }
}
