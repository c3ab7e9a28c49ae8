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

    init(
        _ graphs: (forward: Graph, loss: Graph), accumulation: Executor, update: Graph, compiler: Compiler,
        store: ParameterStore
    ) throws {
        forward = try compiler.compile(graphs.forward, parameters: store)
        forwardInputs = Set(graphs.forward.signature.inputs.map(\.name))
        loss = try compiler.compile(graphs.loss, parameters: store)
        self.accumulation = accumulation
        self.update = try compiler.compile(update, parameters: store, readers: [accumulation, forward])
    }
}

extension TrainingProgram {
    /// Whether steps are over cached batches.
    public var cachesBatches: Bool { if case .cached = programs { true } else { false } }

    /// Adds the gradients of a batch to the next step's sums, piece by piece, from the piece on that `position` says.
    ///
    /// - Parameters:
    ///   - first: the number of the batch's first piece among the step's.
    ///   - endsStep: whether `update` follows; asked for in a group only, whose processes share the pieces.
    ///   - shouldStop: asked after each piece but the last; `true` ends the call, which another one goes on with. In a group
    ///     nobody asks.
    /// - Returns: whether all pieces are done.
    /// - Throws: as `accumulate`.
    public func accumulate(
        _ batch: CachedBatch, first: Int = 0, endsStep: Bool = true, shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        guard case .cached(let programs) = programs else {
            throw ExecutionError(
                "does not cache batches; set TrainingOptions.cachedOutput", at: "the program")
        }
        guard position.microBatch < first + batch.pieces.count else { return true }
        let name = options.cachedOutput ?? ""
        let (all, rows) = try cachedOutputs(of: batch, programs, first: first)
        let result = try programs.loss.run(
            batch.lossInputs.merging([name: all]) { $1 }, symbols: [:], guarding: [options.loss])
        let loss = try result[options.loss]?.floats.first.map { Double($0) } ?? .nan
        let gradients = try result[SplitGraph.gradientInput]?.floats ?? []
        let width = all.shape.dropFirst().reduce(1, *)
        var starts = [0]
        for count in rows { starts.append(starts[starts.count - 1] + count * width) }
        /// A piece with the gradient of its output.
        func inputs(_ piece: Int) throws -> [String: TensorData] {
            var tensors = try forwardInputs(of: batch.pieces[piece], programs, index: first + piece)
            tensors[SplitGraph.gradientInput] = try TensorData(
                Array(gradients[starts[piece]..<starts[piece + 1]]),
                shape: [rows[piece]] + all.shape.dropFirst())
            return tensors
        }
        let pieces = max(0, position.microBatch - first)..<rows.count
        for start in stride(from: pieces.lowerBound, to: pieces.upperBound, by: options.group?.size ?? 1) {
            let share = start == 0 ? loss * Double(batch.lossWeight) : 0
            if let group = options.group, group.size > 1 {
                let contributors = min(group.size, rows.count - start)
                let isLast = endsStep && start + contributors == rows.count
                _ = try round(contributors, isLast: isLast, loss: share) { rank in
                    (
                        programs.accumulation, try inputs(start + rank), batch.pieces[start + rank].symbols,
                        [batch.lossWeight]
                    )
                }
                continue
            }
            _ = try accumulate(
                programs.accumulation, inputs(start), batch.pieces[start].symbols,
                weights: [batch.lossWeight],
                partialLoss: position.partialLoss + share)
            if start + 1 < rows.count, shouldStop() { return false }
        }
        return true
    }

    /// What makes a piece's output.
    private func forwardInputs(
        of piece: StepInputs, _ programs: CachedPrograms, index: Int
    ) throws -> [String: TensorData] {
        var piece = piece
        piece.tensors = piece.tensors.filter { programs.forwardInputs.contains($0.key) }
        return try tensors(piece, index: index)
    }

    /// The output of all pieces, and the rows of each. In a group each process computes that of its own.
    private func cachedOutputs(
        of batch: CachedBatch, _ programs: CachedPrograms, first: Int
    ) throws -> (all: TensorData, rows: [Int]) {
        let name = options.cachedOutput ?? ""
        let size = options.group?.size ?? 1
        let own = stride(from: options.group?.rank ?? 0, to: batch.pieces.count, by: size)
        var (rows, values, shape) = ([Int](), [Float](), [Int]())
        let outcome = Result {
            for piece in own {
                let inputs = batch.pieces[piece]
                let tensors = try forwardInputs(of: inputs, programs, index: first + piece)
                let output = try programs.forward.run(
                    tensors, symbols: inputs.symbols, guarding: [name])[name]
                values += try output?.floats ?? []
                rows.append(output?.shape.first ?? 0)
                shape = output?.shape ?? []
            }
            // Each piece has as many columns as the others.
            return [Double(shape.count)] + (shape.dropFirst() + rows).map(Double.init)
        }
        if let group = options.group, size > 1 {
            let counts = try agree(on: outcome)
            let all = try group.allGather(of: .success(values))
            let rank = Int(counts[0][0])
            shape = [0] + counts[0][1..<max(1, rank)].map { Int($0) }
            let width = shape.dropFirst().reduce(1, *)
            var starts = [Int](repeating: 0, count: size)
            (rows, values) = ([], [])
            for piece in batch.pieces.indices {
                let owner = piece % size
                let count = Int(counts[owner][rank + piece / size])
                rows.append(count)
                values += all[owner][starts[owner]..<(starts[owner] + count * width)]
                starts[owner] += count * width
            }
        } else {
            _ = try outcome.get()
        }
        return (try TensorData(values, shape: [rows.reduce(0, +)] + shape.dropFirst()), rows)
    }
}
