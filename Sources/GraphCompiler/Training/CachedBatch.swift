/// A batch whose loss compares all of its examples, cut into pieces that are run one after another: the vectors of all
/// pieces are computed and kept, the loss gives their gradients, and each piece is computed again with them (Gao et al.,
/// arXiv:2101.06983). The gradients are those of the whole batch, dropout included, to rounding.
public struct CachedBatch: Sendable {
    /// The inputs of what makes the output that is cached, in the order of its rows.
    public var pieces: [StepInputs]
    /// The inputs of the loss beside that output, for the whole batch.
    public var lossInputs: [String: TensorData]
    /// The batch's share of the step's examples, 0 to 1.
    public var lossWeight: Float

    /// Pieces, what the loss reads, and the batch's share of the step.
    public init(_ pieces: [StepInputs], lossInputs: [String: TensorData], lossWeight: Float = 1) {
        (self.pieces, self.lossInputs, self.lossWeight) = (pieces, lossInputs, lossWeight)
    }
}

/// The programs of a step over cached batches.
struct CachedPrograms {
    /// What makes the output.
    let forward: Executor
    /// Names of its inputs.
    let forwardInputs: Set<String>
    /// The loss of the output and its gradient.
    let loss: Executor
    /// Forward and backward over a piece, with the output's gradient.
    let accumulation: Executor
    let update: Executor
}

extension TrainingProgram {
    /// Whether steps are over cached batches.
    public var cachesBatches: Bool { if case .cached = programs { true } else { false } }

    /// Adds the gradients of a batch to the next step's sums, piece by piece, from the piece on that `position` says.
    ///
    /// - Parameters:
    ///   - first: the number of the batch's first piece among the step's.
    ///   - shouldStop: asked after each piece but the last; `true` ends the call, which another one goes on with.
    /// - Returns: whether all pieces are done.
    /// - Throws: as `accumulate`.
    public func accumulate(
        _ batch: CachedBatch, first: Int = 0, shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        guard case .cached(let programs) = programs else {
            throw ExecutionError(
                "does not cache batches; set TrainingOptions.cachedOutput", at: "the program")
        }
        let name = options.cachedOutput ?? ""
        func read(_ piece: Int) throws -> (tensors: [String: TensorData], symbols: [String: Int]) {
            var inputs = batch.pieces[piece]
            inputs.tensors = inputs.tensors.filter { programs.forwardInputs.contains($0.key) }
            return (try tensors(inputs, index: first + piece), inputs.symbols)
        }
        guard position.microBatch < first + batch.pieces.count else { return true }
        var (rows, values, shape) = ([Int](), [Float](), [Int]())
        for piece in batch.pieces.indices {
            let inputs = try read(piece)
            let output = try programs.forward.run(inputs.tensors, symbols: inputs.symbols, guarding: [name])[
                name]
            values += try output?.floats ?? []
            rows.append(output?.shape.first ?? 0)
            shape = output?.shape ?? []
        }
        let all = try TensorData(values, shape: [rows.reduce(0, +)] + shape.dropFirst())
        let result = try programs.loss.run(
            batch.lossInputs.merging([name: all]) { $1 }, symbols: [:], guarding: [options.loss])
        let loss = try result[options.loss]?.floats.first.map { Double($0) } ?? .nan
        let gradients = try result[SplitGraph.gradientInput]?.floats ?? []
        let width = shape.dropFirst().reduce(1, *)
        var start = 0
        for (piece, count) in rows.enumerated() {
            defer { start += count * width }
            guard first + piece >= position.microBatch else { continue }
            var inputs = try read(piece)
            inputs.tensors[SplitGraph.gradientInput] = try TensorData(
                Array(gradients[start..<(start + count * width)]), shape: [count] + shape.dropFirst())
            let partialLoss = position.partialLoss + (piece == 0 ? loss * Double(batch.lossWeight) : 0)
            _ = try accumulate(
                programs.accumulation, inputs.tensors, inputs.symbols, weights: [batch.lossWeight],
                partialLoss: partialLoss)
            if piece + 1 < rows.count, shouldStop() { return false }
        }
        return true
    }
}
