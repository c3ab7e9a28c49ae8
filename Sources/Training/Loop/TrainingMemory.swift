import GraphCompiler

/// What a training run will hold in memory at most, in bytes, as planned before its first step.
public struct TrainingMemory: Hashable, Sendable {
    public let weights: Int
    /// Copies of weights in the order in which products read them.
    public let panels: Int
    /// The optimiser's states, and sums of gradients.
    public let optimizer: Int
    /// Inputs, activations, gradients and workspaces of the largest batch.
    public let arena: Int
    /// Private memory of the workers.
    public let scratch: Int
    /// Everything else that the process held when it planned: code, libraries, the data sets.
    public let process: Int

    public var total: Int { weights + panels + optimizer + arena + scratch + process }

    /// The same with what other batches take.
    func replacingRuns(by runs: Executor.RunByteCounts) -> TrainingMemory {
        TrainingMemory(
            weights: weights, panels: panels, optimizer: optimizer, arena: runs.arena, scratch: runs.scratch,
            process: process)
    }

    /// The parts with their names, in the order of the declaration.
    public var parts: [(name: String, byteCount: Int)] {
        [
            ("weights", weights), ("panels", panels), ("optimizer states", optimizer),
            ("activations and gradients", arena), ("scratch", scratch), ("process", process),
        ]
    }
}

extension TrainableModel {
    /// The memory of a run.
    ///
    /// - Parameters:
    ///   - training: the symbols of the batches that take most.
    ///   - evaluation: those of evaluations.
    func memory(training: [[String: Int]], evaluation: [[String: Int]]) -> TrainingMemory {
        let runs = runByteCounts(training: training, evaluation: evaluation)
        let own = Set(specs.map(\.name))
        let (all, panels) = (parameters.mappedByteCount(), parameters.panelByteCount)
        let weights = parameters.mappedByteCount { own.contains($0) }
        let touched = all + panels - parameters.untouchedByteCount
        return TrainingMemory(
            weights: weights, panels: panels, optimizer: all - weights, arena: runs.arena,
            scratch: runs.scratch, process: max(0, ProcessMemory.residentByteCount - touched))
    }
}
