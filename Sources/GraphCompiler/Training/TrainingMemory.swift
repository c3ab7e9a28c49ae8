/// What a training run will hold in memory at most, in bytes, as planned before its first step.
public struct TrainingMemory: Hashable, Sendable {
    /// The parameters.
    public let weights: Int
    /// Copies of weights in the order in which products read them.
    public let panels: Int
    /// The optimiser's states, and sums of gradients.
    public let optimizer: Int
    /// Inputs, activations, gradients and workspaces of the largest batch.
    public let arena: Int
    /// Private memory of the workers.
    public let scratch: Int
    /// What other processes send, and this one's sums of it.
    public let exchange: Int
    /// Everything else that the process held when it planned: code, libraries, the data sets.
    public let process: Int

    /// All parts.
    public var total: Int { weights + panels + optimizer + arena + scratch + exchange + process }

    /// The same with what other batches take.
    package func replacingRuns(by runs: Executor.RunByteCounts) -> TrainingMemory {
        TrainingMemory(
            weights: weights, panels: panels, optimizer: optimizer, arena: runs.arena, scratch: runs.scratch,
            exchange: exchange, process: process)
    }

    /// The parts with their names, in the order of the declaration.
    public var parts: [(name: String, byteCount: Int)] {
        [
            ("weights", weights), ("panels", panels), ("optimizer states", optimizer),
            ("activations and gradients", arena), ("scratch", scratch),
        ] + (exchange > 0 ? [("exchange", exchange)] : []) + [("process", process)]
    }
}

extension TrainingProgram {
    /// What the process holds when runs hold `runs` beside the parameters, such as `byteCounts(of:)` and what
    /// evaluations take.
    public func memory(running runs: Executor.RunByteCounts) -> TrainingMemory {
        let own = Set(parameters.map(\.name))
        let (all, panels) = (store.mappedByteCount(), store.panelByteCount)
        let weights = store.mappedByteCount { own.contains($0) }
        let touched = all + panels - store.untouchedByteCount
        return TrainingMemory(
            weights: weights, panels: panels, optimizer: all - weights, arena: runs.arena,
            scratch: runs.scratch, exchange: exchange?.byteCount ?? 0,
            process: max(0, ProcessMemory.residentByteCount - touched))
    }

    /// Sequences (or rows, or whatever a batch is cut into) of the fewest micro-batches that fit: as many pieces as
    /// that takes, as equal as can be.
    ///
    /// - Parameters:
    ///   - whole: how many the largest batch has, which do not fit.
    ///   - fits: whether there is memory for pieces of so many. One must fit.
    package static func microBatchSize(of whole: Int, fitting fits: (Int) throws -> Bool) rethrows -> Int {
        guard whole > 1 else { return whole }
        var (most, tooLarge) = (1, max(2, whole))
        while tooLarge - most > 1 {
            let middle = (most + tooLarge) / 2
            if try fits(middle) { most = middle } else { tooLarge = middle }
        }
        let pieces = (whole + most - 1) / most
        return (whole + pieces - 1) / pieces
    }
}
