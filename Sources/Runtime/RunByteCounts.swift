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

        package init() {}

        /// Both, in bytes.
        public var total: Int { arena + scratch }

        package mutating func formMaximum(_ other: RunByteCounts) {
            arena = max(arena, other.arena)
            scratch = max(scratch, other.scratch)
        }
    }
}

extension Executor.RunByteCounts {
    init(_ program: Program, _ schedule: Schedule, of shapes: [[String: Int]], threads: Int) {
        guard let sizes = MemoryPlan.Sizes(program, schedule, greatestOf: shapes) else { return }
        let scratch =
            shapes.map { BoundProgram(schedule, names: [], symbols: $0).scratchByteCount }.max() ?? 0
        arena = AlignedMemory.mappedByteCount(MemoryPlan(schedule, sizes).byteCount)
        self.scratch = threads * AlignedMemory.mappedByteCount(scratch)
    }
}

extension Program {
    /// What runs with any of these symbols would hold; see `Executor.byteCounts`.
    package func runByteCounts(of shapes: [[String: Int]], threads: Int) throws -> Executor.RunByteCounts {
        try SymbolCheck(graph).check(shapes)
        return Executor.RunByteCounts(self, Schedule(self), of: shapes, threads: threads)
    }
}

extension MemoryPlan.Sizes {
    /// The greatest size of everything; `nil` without a shape.
    init?(_ program: Program, _ schedule: Schedule, greatestOf shapes: [[String: Int]]) {
        guard let first = shapes.first else { return nil }
        self.init(program, schedule, first)
        for symbols in shapes.dropFirst() { formMaximum(MemoryPlan.Sizes(program, schedule, symbols)) }
    }
}
