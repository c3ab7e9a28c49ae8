/// Compiles a graph with a scalar loss into a program that trains it.
///
/// ```swift
/// let training = try GraphCompiler.compileTraining(graph, TrainingOptions(OptimizerOptions(maxGradientNorm: 1)))
/// for batch in batches {
///     let loss = try training.step(["x": batch.x, "y": batch.y], rate: 1e-3).loss
/// }
/// let model = try GraphCompiler.compile(graph, parameters: training.store)
/// ```
///
/// - Parameters:
///   - graph: the forward graph, with an f32 scalar output called `loss`.
///   - training: how it is trained.
///   - options: how it is compiled; each call sets up a compiler and worker threads of its own. To share them among
///     graphs use `TrainingProgram.init`.
///   - parameters: the store in which parameters and the optimiser's states live, which graphs may share.
public func compileTraining(
    _ graph: Graph, _ training: TrainingOptions = TrainingOptions(),
    options: CompilerOptions = CompilerOptions(), parameters: ParameterStore = ParameterStore()
) throws -> TrainingProgram {
    try TrainingProgram(graph, training, compiler: Compiler(options), store: parameters)
}

/// Trains the parameters of any graph with a loss: forward and backward over one or several micro-batches, clipping, the
/// optimiser's update. One step at a time.
///
/// A step over several micro-batches is one program for all of them, which adds gradients up, and one for the update. With
/// a scaled loss a step whose gradients overflow changes nothing but the scale.
public final class TrainingProgram {
    /// How the graph is trained.
    public let options: TrainingOptions
    /// What each micro-batch must be given.
    public let inputs: [TensorSpec]
    /// The forward graph's parameters, without the optimiser's states.
    public let parameters: [TensorSpec]
    /// Where parameters and states live.
    public let store: ParameterStore
    /// What a step computes again; `nil` when nothing was to be.
    public let recomputation: Recomputation?
    /// Where the program is; set it to go on from saved parameters and states.
    public var position = TrainingPosition()
    let programs: StepPrograms
    /// What adds up the gradients of several processes; `nil` for one.
    let exchange: GradientExchange?
    /// How several processes share the update; `nil` where each makes all of it.
    let sharing: UpdateSharing?
    /// What they have in common; `nil` before the first step, and where they have no memory in common.
    var shared: SharedParameters?
    /// Where the processes of a group spent the micro-batches of the step so far.
    var processTimes: [ProcessTimes] = []
    private let compiler: Compiler
    /// Whether the graph has dropout's key among its inputs.
    private let isRandom: Bool
    /// Inputs that the program makes itself.
    private let own: Set<String>

    /// Compiles the step. Parameters are set before or after; those that are not are zero.
    ///
    /// - Parameters:
    ///   - forward: a graph with the outputs that the options name.
    ///   - options: how it is trained.
    ///   - compiler: passes, threads and precision; several graphs may share one.
    ///   - store: where parameters and the optimiser's states live.
    /// - Throws: as `trainingStep`; `ExecutionError` when `store` holds something else under one of the names.
    public init(
        _ forward: Graph, _ options: TrainingOptions = TrainingOptions(), compiler: Compiler,
        store: ParameterStore = ParameterStore()
    ) throws {
        var options = options
        if let group = options.group, group.size > 1 { options.accumulates = true }
        self.options = options
        self.store = store
        self.compiler = compiler
        let optimizer = options.optimizer
        try Self.check(forward, optimizer)
        let graph = try forward.freezingParameters { optimizer.treatment(of: $0).isFrozen }
        try compiler.options.dump?(CompilationStage(graph))
        let graphs = try StepGraphs(graph, options)
        let recompute = options.recompute ?? compiler.options.recompute
        recomputation = try options.memory.recomputation(
            recompute, of: graphs.first, compiler: compiler, parameters: store)
        let first = try compiler.compile(
            graphs.first, parameters: store, recompute: recomputation?.chosen.recompute ?? recompute)
        programs =
            if let cached = graphs.cached, let update = graphs.update {
                .cached(
                    try CachedPrograms(
                        cached, accumulation: first, update: update, compiler: compiler, store: store))
            } else if let update = graphs.update {
                .split(
                    accumulation: first,
                    update: try compiler.compile(update, parameters: store, readers: [first]))
            } else {
                .whole(first)
            }
        let signature = graph.signature
        parameters = signature.parameters
        let names = parameters.map(\.name)
        sharing = try graphs.sharing.map { squares, shares, states in
            // In memory that all have in common the states of all are there for each.
            if !options.shardsOptimizer { for (name, type) in states { try store.reserve(name, type) } }
            return try UpdateSharing(
                squares: compiler.compile(squares, parameters: store), shares,
                clipped: names.filter { shares.owners[$0] != nil && optimizer.treatment(of: $0).isClipped },
                keepsAverages: optimizer.averageDecay != nil, store)
        }
        exchange = try Self.exchange(
            programs, parameters, tables: Set(graph.gatheredParameters().keys), store, options.group, sharing)
        isRandom = signature.inputs.contains { $0.name == TrainingNames.generator }
        let given = Set(signature.inputs.map(\.name))
        let made = Set(try options.stepInputs?(0).keys.map(\.self) ?? [])
        own = made.union([TrainingNames.generator]).union(
            graphs.inputs.subtracting(given))
        inputs = signature.inputs.filter { !made.contains($0.name) && $0.name != TrainingNames.generator }
    }

    /// Checks the names that graph and options must agree on.
    private static func check(_ forward: Graph, _ optimizer: OptimizerOptions) throws {
        let signature = forward.signature
        try expect(optimizer.treatments.keys, among: signature.parameters.map(\.name), "parameter")
        let generator = signature.inputs.first { $0.name == TrainingNames.generator }
        if let type = generator?.type, type != TensorType(.i64, [2]) {
            throw ExecutionError(
                "is \(type); a step gives dropout's key, i64[2], by this name",
                at: "input \"\(TrainingNames.generator)\"")
        }
    }

    /// Compiles a graph over the same parameters, such as the model without dropout, that reads the averages of
    /// weights where there are any.
    public func evaluation(_ graph: Graph) throws -> CompiledGraph {
        try CompiledGraph(
            graph.renamingParameters(evaluatedName), compiler: compiler, parameters: store)
    }

    /// The parameter whose values an evaluation reads and a saved model has: the average where there is one.
    package func evaluatedName(_ name: String) -> String {
        let average = TrainingNames.average(of: name)
        return store.contains(average) ? average : name
    }

    /// Lets the averages start as the weights, so that a model that was never updated can be evaluated.
    public func startAverages() throws {
        for name in parameters.map(\.name) where evaluatedName(name) != name {
            if let weights = store.get(name) { try store.set(evaluatedName(name), weights) }
        }
    }

    /// Names of the optimiser's states in `store`; sums of gradients are none between two steps. Where processes share the update,
    /// only those of this one's parameters.
    public func stateNames(withSums: Bool) -> [String] {
        let own = Set(parameters.map(\.name))
        let sums = Set(own.map(TrainingNames.gradientSum))
        let others = (sharesUpdate ? sharing : nil).map { sharing in
            Set(
                sharing.shares.owners.filter { $0.value != options.group?.rank }.keys.map(
                    TrainingNames.average))
        }
        return store.names.filter {
            !own.contains($0) && (withSums || !sums.contains($0)) && !(others?.contains($0) ?? false)
        }
    }

    /// Whether each process of a group has the states of its own parameters only.
    package var sharesUpdate: Bool { sharing != nil && options.shardsOptimizer }

    /// Names of the parameters that steps update.
    package var trainedNames: [String] {
        parameters.map(\.name).filter {
            store.contains(TrainingNames.moments(of: $0)[0])
                || store.contains(TrainingNames.gradientSum(of: $0))
        }
    }

    // MARK: Steps

    /// A step over one batch; see `step(_:rate:)`.
    public func step(
        _ tensors: [String: TensorData], symbols: [String: Int] = [:], rate: Double
    ) throws -> StepResult {
        try step([StepInputs(tensors, symbols: symbols)], rate: rate)
    }

    /// One step: forward and backward over the micro-batches, clipping, update.
    ///
    /// - Parameters:
    ///   - microBatches: the step's examples; several need a program that accumulates. Those that `position` says are
    ///     done already are left out. In a group each process gives the same, and runs those that are its own.
    ///   - rate: the learning rate.
    /// - Throws: `ExecutionError` for inputs that are missing, unknown or of another type or shape, and when loss or norm
    ///   are not finite, naming the first node that made a NaN or an infinity; no parameter has changed then. Where the
    ///   loss is scaled a norm that is not finite is no error but skips the update and lowers the scale;
    ///   `LossScaleError` when no scale is left.
    public func step(_ microBatches: [StepInputs], rate: Double) throws -> StepResult {
        switch programs {
        case .cached:
            throw ExecutionError(
                "caches batches; give it each CachedBatch with accumulate, and then call update",
                at: "the program")
        case .split:
            try checkPosition()
            let left = microBatches.dropFirst(position.microBatch)
            let outputs = try accumulate(left.count, endsStep: true) { left[left.startIndex + $0] }
            var result = try update(rate: rate)
            result.outputs = outputs
            return result
        case .whole(let program):
            guard microBatches.count == 1 else {
                throw ExecutionError(
                    "there are \(microBatches.count), but the program does not accumulate gradients; set "
                        + "TrainingOptions.accumulates", at: "micro-batches")
            }
            if let share = microBatches[0].lossWeights.first(where: { $0 < 1 }) {
                throw ExecutionError(
                    "has the share \(share) of the step, but is all of it, as the program does not accumulate gradients; "
                        + "leave lossWeights out, or set TrainingOptions.accumulates", at: "the micro-batch")
            }
            let tensors = try tensors(microBatches[0], index: 0).merging(try optimizerInputs(rate)) { $1 }
            let outputs = try run(
                program, tensors, symbols: microBatches[0].symbols, guarding: [options.loss])
            let result = StepResult(
                loss: try outputs.scalar(options.loss),
                gradientNorm: try outputs.scalar(TrainingNames.gradientNorm),
                outputs: [outputs])
            try finishStep(result)
            return result
        }
    }

    /// Adds the gradients of one more micro-batch to the next step's sums.
    ///
    /// - Returns: the forward graph's outputs.
    /// - Throws: as `step`. What was added up before is kept where inputs are refused; a loss that is not finite ends the
    ///   step, and its next micro-batch is the first again.
    @discardableResult
    public func accumulate(_ inputs: StepInputs) throws -> [String: TensorData] {
        guard case .split(let program, _) = programs else {
            throw ExecutionError(
                "does not accumulate gradients; set TrainingOptions.accumulates", at: "the program")
        }
        guard exchange == nil else {
            throw ExecutionError(
                "shares its micro-batches with other processes; give step all of them", at: "the program")
        }
        return try accumulate(
            program, tensors(inputs, index: position.microBatch), inputs.symbols,
            weights: inputs.lossWeights)
    }

    /// Adds the gradients of a micro-batch.
    ///
    /// - Parameter partialLoss: the step's loss so far, where the program does not compute it.
    func accumulate(
        _ program: Executor, _ inputs: [String: TensorData], _ symbols: [String: Int], weights: [Float],
        partialLoss: Double? = nil
    ) throws -> [String: TensorData] {
        var tensors = inputs
        tensors[TrainingNames.lossWeights] = TensorData(weights)
        tensors[TrainingNames.carry] = .scalar(position.microBatch == 0 ? 0 : 1)
        if options.optimizer.scalesLoss {
            tensors[TrainingNames.lossScale] = .scalar(Float(position.scaler.scale))
        }
        let outputs: [String: TensorData]
        do {
            outputs = try program.run(
                tensors, symbols: symbols, guarding: [TrainingNames.weightedLoss])
        } catch let error as ExecutionError where error.isNonFinite {
            // The gradients are in the sums already.
            abandonStep()
            throw error
        }
        position.partialLoss =
            try partialLoss ?? position.partialLoss + outputs.scalar(TrainingNames.weightedLoss)
        position.microBatch += 1
        return outputs
    }

    /// Updates the parameters from the sums of gradients, which ends the step.
    ///
    /// - Throws: as `step`, and when no micro-batch was added up since the last update. Gradients that are not finite end
    ///   the step as in `accumulate`.
    public func update(rate: Double) throws -> StepResult {
        let program: Executor
        switch programs {
        case .split(_, let update): program = update
        case .cached(let programs): program = programs.update
        case .whole:
            throw ExecutionError(
                "does not accumulate gradients; set TrainingOptions.accumulates", at: "the program")
        }
        guard position.microBatch > 0 else {
            throw ExecutionError("there are none since the last update", at: "micro-batches")
        }
        let outputs: [String: TensorData]
        do {
            var inputs = try optimizerInputs(rate)
            if let sharing, let group = options.group {
                inputs[TrainingNames.gradientSquares] = TensorData(try sharing.squares(in: group))
            }
            outputs = try run(program, inputs, symbols: [:], guarding: [])
        } catch let error as ExecutionError where error.isNonFinite {
            abandonStep()
            throw error
        }
        var result = StepResult(
            loss: position.partialLoss, gradientNorm: try outputs.scalar(TrainingNames.gradientNorm),
            outputs: [])
        result.processes = processTimes
        if result.isSkipped {
            clearSums()
        } else if let group = options.group {
            if let shared {
                try shared.noteUpdates(of: store, in: group)
            } else {
                try sharing?.distribute(in: group, store)
            }
        }
        try finishStep(result)
        return result
    }

    private func finishStep(_ result: StepResult) throws {
        position.step += 1
        (position.microBatch, position.partialLoss) = (0, 0)
        guard options.optimizer.scalesLoss else { return }
        position.scaler.note(isSkipped: result.isSkipped)
        guard !position.scaler.isExhausted else {
            throw LossScaleError(scale: position.scaler.scale, skipped: position.scaler.skipped)
        }
    }

    private func checkPosition() throws {
        guard position.step >= 0, position.microBatch >= 0 else {
            throw ExecutionError(
                "step \(position.step), micro-batch \(position.microBatch) is before the first",
                at: "the position")
        }
    }

    /// The inputs of the forward graph.
    func tensors(_ inputs: StepInputs, index: Int) throws -> [String: TensorData] {
        try checkPosition()
        let tensors = inputs.tensors
        if let taken = tensors.keys.filter(own.contains).min() {
            throw ExecutionError("is the step's own; leave it out", at: "input \"\(taken)\"")
        }
        try expect(tensors.keys, among: self.inputs.map(\.name), "input")
        guard isRandom || options.stepInputs != nil else { return tensors }
        var all = tensors
        // The seed is a key of 64 bits, of which 32 are enough for users.
        if isRandom {
            all[TrainingNames.generator] = .rng(seed: options.seed | index << 32, step: position.step)
        }
        if let made = try options.stepInputs?(position.step) { all.merge(made) { $1 } }
        return all
    }

    private func optimizerInputs(_ rate: Double) throws -> [String: TensorData] {
        guard rate.isFinite, rate >= 0 else {
            throw ExecutionError("\(rate) is not a number of at least 0", at: "the learning rate")
        }
        let scaler = position.scaler
        var inputs: [String: TensorData] = options.optimizer.inputs(
            step: position.step - scaler.skipped, learningRate: rate, lossScale: scaler.scale
        ).mapValues { .scalar($0) }
        if options.optimizer.states != .f32 {
            inputs[TrainingNames.roundingGenerator] = .rng(seed: options.seed, step: position.step)
        }
        return inputs
    }

    private func run(
        _ program: Executor, _ tensors: [String: TensorData], symbols: [String: Int], guarding: [String]
    ) throws -> [String: TensorData] {
        let norm = TrainingNames.gradientNorm
        return options.optimizer.scalesLoss
            ? try program.run(tensors, symbols: symbols, guarding: guarding, updatingIfFinite: norm)
            : try program.run(tensors, symbols: symbols, guarding: guarding + [norm])
    }

    /// Forgets the micro-batches of a step that can't be finished.
    func abandonStep() {
        clearSums()
        exchange?.abandonStep()
        (position.microBatch, position.partialLoss) = (0, 0)
    }

    /// Sums that are not finite would stay so: a new sum is 0 times the old one, plus a gradient.
    private func clearSums() {
        for name in parameters.map({ TrainingNames.gradientSum(of: $0.name) }) where store.contains(name) {
            store.set(name) { $0.update(repeating: 0) }
        }
    }
}

extension [String: TensorData] {
    /// An output that is one number.
    fileprivate func scalar(_ name: String) throws -> Double { Double(try self[name]?.floats.first ?? .nan) }
}
