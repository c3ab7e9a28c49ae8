import GraphIR
import KernelIR

/// What the launches of one kernel did in all.
public struct KernelUse: Hashable, Sendable {
    /// How often the kernel ran.
    public internal(set) var calls = 0
    /// The time of all calls, in seconds.
    public internal(set) var seconds = 0.0
    /// What they have to do.
    public internal(set) var work = Work()

    package init() {}

    package static func + (left: KernelUse, right: KernelUse) -> KernelUse {
        var sum = left
        sum.calls += right.calls
        sum.seconds += right.seconds
        sum.work = sum.work + right.work
        return sum
    }

    /// What a phase computes and moves, by count.
    public struct Work: Hashable, Sendable {
        /// FLOPs of matrix products; a multiply-add is two.
        public var contractionFlops = 0
        /// The part of them that multiplies bf16.
        public var bf16Flops = 0
        /// All other operations on elements.
        public var operations = 0
        /// What the instructions besides products take, for one lane, in the time of multiply-adds.
        package var instructions = 0
        /// Bytes read and written; see `Traffic`.
        public var byteCount = 0

        package init() {}

        /// All arithmetic.
        public var flops: Int { contractionFlops + operations }

        package static func + (left: Work, right: Work) -> Work {
            var sum = left
            sum.contractionFlops += right.contractionFlops
            sum.bf16Flops += right.bf16Flops
            sum.operations += right.operations
            sum.instructions += right.instructions
            sum.byteCount += right.byteCount
            return sum
        }
    }
}

extension Program {
    /// What a phase of a launch does under `symbols`.
    func work(of phase: Phase, in launch: Launch, _ symbols: [String: Int]) -> KernelUse.Work {
        var work = KernelUse.Work()
        work.contractionFlops = phase.contractionFlopCount(symbols)
        if phase.contractionElement == .bf16 { work.bf16Flops = work.contractionFlops }
        work.operations = phase.flopCount(symbols) - work.contractionFlops
        work.instructions = phase.instructionCount(symbols)
        work.byteCount = traffic(of: phase, in: launch, symbols).byteCount
        return work
    }
}
