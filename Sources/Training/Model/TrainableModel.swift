import Encoders
import GraphCompiler
import Pipelines

/// A model whose parameters a training step updates and an evaluation reads: graphs over one set of parameters.
package final class TrainableModel {
    package let config: EncoderConfig
    package let head: EncoderHead
    /// The parameters without the optimiser's states.
    package let specs: [ParameterSpec]
    package let parameters: ParameterStore
    /// Whether a step may have several micro-batches.
    package let accumulates: Bool
    let options: OptimizerOptions
    /// The attention mask that is learned.
    let search: MaskSearch?
    /// What a step computes again; `nil` when nothing was to be.
    let recomputation: Recomputation?
    private let programs: StepPrograms
    private let evaluation: Executor
    /// Whether a dropout rate is positive.
    private let needsRandomness: Bool

    /// Compiles the graphs. The caller sets `parameters` before or after.
    ///
    /// - Parameters:
    ///   - lossTerms: outputs of the graph that add up to its loss, each a mean over examples of its own.
    ///   - accumulates: whether gradients of several micro-batches are added up; takes the memory of a sum for each
    ///     parameter.
    ///   - recompute: what a step computes again.
    package init(
        _ graphs: ModelGraphs, options: OptimizerOptions, compiler: Compiler,
        parameters: ParameterStore = ParameterStore(), lossTerms: [String] = ["loss"],
        accumulates: Bool = false, recompute: RecomputeRequest = RecomputeRequest()
    ) throws {
        config = graphs.config
        head = graphs.head
        self.options = options
        self.parameters = parameters
        search = graphs.gates.map { MaskSearch($0, of: graphs.config) }
        self.accumulates = accumulates
        specs = graphs.parameters
        let graph = graphs.training
        try compiler.options.dump?(CompilationStage(graph))
        needsRandomness = graph.nodes.contains { node in
            if case .input("rng", _) = node.op { true } else { false }
        }
        let step =
            try accumulates
            ? accumulationStep(graph, terms: lossTerms, options: options)
            : trainingStep(graph, loss: "loss", options: options)
        let update = accumulates ? try updateStep(graph, terms: lossTerms, options: options) : nil
        recomputation = try recompute.plan(step, compiler, parameters)
        let program = try compiler.compile(
            step, parameters: parameters, recompute: recomputation?.chosen.recompute ?? recompute.recompute)
        programs =
            if let update {
                .split(
                    accumulation: program, update: try compiler.compile(update, parameters: parameters))
            } else {
                .whole(program)
            }
        evaluation = try compiler.compile(
            graphs.evaluation.renamingParameters { Self.evaluatedName($0, parameters) },
            parameters: parameters)
    }

    /// The parameter whose values an evaluation reads and a saved model has: the average where there is one.
    func evaluatedName(_ name: String) -> String { Self.evaluatedName(name, parameters) }

    private static func evaluatedName(_ name: String, _ parameters: ParameterStore) -> String {
        let average = OptimizerOptions.averageName(name)
        return parameters.contains(average) ? average : name
    }

    /// Lets the averages start as the weights, so that a model that was never updated can be evaluated.
    package func startAverages() throws {
        for spec in specs where evaluatedName(spec.name) != spec.name {
            if let weights = parameters.get(spec.name) {
                try parameters.set(evaluatedName(spec.name), weights)
            }
        }
    }

    /// Whether gradients are computed of a scaled loss.
    var scalesLoss: Bool { options.scalesLoss }

    /// Names of the optimiser's states in `parameters`; sums of gradients are none between two steps.
    package func stateNames(withSums: Bool) -> [String] {
        let own = Set(specs.map(\.name))
        let sums = Set(specs.map { OptimizerOptions.sumName($0.name) })
        return parameters.names.filter { !own.contains($0) && (withSums || !sums.contains($0)) }
    }

    /// What steps and evaluations over batches with such symbols hold beside the parameters.
    func runByteCounts(training: [[String: Int]], evaluation: [[String: Int]]) -> Executor.RunByteCounts {
        var counts = programs.byteCounts(of: training)
        counts.formMaximum(self.evaluation.byteCounts(of: evaluation))
        return counts
    }

    /// Takes that memory now.
    func reserve(training: [[String: Int]], evaluation: [[String: Int]]) throws {
        try programs.reserve(training)
        try self.evaluation.reserve(evaluation)
    }

    /// The kernels of the training step with the time they took; empty unless `profiles` is set.
    var profile: [String: KernelUse] {
        programs.executors.reduce(into: [:]) { $0.merge($1.profile, uniquingKeysWith: +) }
    }

    /// Receives when each worker runs which kernel of the training step.
    var trace: RunTrace? {
        get { programs.executors[0].trace }
        set { for executor in programs.executors { executor.trace = newValue } }
    }

    var profiles: Bool {
        get { programs.executors[0].profiles }
        set { for executor in programs.executors { executor.profiles = newValue } }
    }

    /// Runs the model without dropout.
    ///
    /// - Throws: `ExecutionError` when one of `outputs` is not finite, naming the node.
    func infer(_ inputs: EncoderInputs, outputs: [String]) throws -> [String: TensorData] {
        try evaluation.run(inputs.tensors, symbols: inputs.symbols, guarding: outputs)
    }

    /// The share of pairs that the learned mask leaves out now, without noise; `nil` when none is learned.
    var maskSparsity: Double? { search?.sparsity(in: parameters, named: evaluatedName) }

    /// What runs the model without dropout, in batches of about `batchTokens` tokens.
    func runner(maxLength: Int, batchTokens: Int) -> SequenceRunner {
        SequenceRunner(executor: evaluation, maxLength: maxLength, batchTokens: batchTokens)
    }

    // MARK: Steps

    /// One step: forward and backward over the micro-batches, clipping, update.
    ///
    /// - Parameters:
    ///   - step: counted from 0; fixes the dropout and, less the steps that were skipped, the bias corrections.
    ///   - inputs: the step's micro-batches; several need a model that accumulates gradients.
    ///   - scaler: the loss's scale, where the options scale it.
    /// - Throws: `ExecutionError` when loss or norm are not finite, naming the node; no parameter has changed then.
    ///   Where the loss is scaled, a norm that is not finite is no error: the step is skipped.
    package func step(
        _ step: Int, _ inputs: [StepInputs], learningRate: Double, seed: Int,
        scaler: LossScaler = LossScaler()
    ) throws -> StepResult {
        let own = optimizerInputs(step: step, learningRate: learningRate, scaler)
        switch programs {
        case .whole(let program):
            precondition(inputs.count == 1, "the model does not accumulate gradients")
            var tensors = inputs[0].tensors.merging(own) { $1 }
            if needsRandomness { tensors["rng"] = .rng(seed: seed, step: step) }
            if let search { tensors.merge(try search.noise(seed: seed, step: step)) { $1 } }
            let outputs = try update(program, tensors, symbols: inputs[0].symbols, guarding: ["loss"])
            return StepResult(
                loss: try outputs.scalar("loss"), gradientNorm: try outputs.scalar("gradient_norm"))
        case .split:
            var loss = 0.0
            for (index, inputs) in inputs.enumerated() {
                loss += try accumulate(inputs, at: index, ofStep: step, seed: seed, scaler: scaler)
            }
            return StepResult(
                loss: loss,
                gradientNorm: try update(step: step, learningRate: learningRate, scaler: scaler))
        }
    }

    /// Adds the gradients of a micro-batch to the step's sums.
    ///
    /// - Parameter index: of the micro-batch in its step; 0 starts new sums.
    /// - Returns: its share of the step's loss.
    func accumulate(
        _ inputs: StepInputs, at index: Int, ofStep step: Int, seed: Int, scaler: LossScaler
    ) throws -> Double {
        guard case .split(let program, _) = programs else {
            preconditionFailure("the model does not accumulate gradients")
        }
        var tensors = inputs.tensors
        tensors["loss_weights"] = TensorData(inputs.lossWeights)
        tensors["carry"] = .scalar(index == 0 ? 0 : 1)
        if options.scalesLoss { tensors["loss_scale"] = .scalar(Float(scaler.scale)) }
        if needsRandomness {
            // The seed is a key of 64 bits, of which a configuration uses 32.
            tensors["rng"] = .rng(seed: seed | index << 32, step: step)
        }
        // One mask for all micro-batches of a step.
        if let search { tensors.merge(try search.noise(seed: seed, step: step)) { $1 } }
        let outputs = try program.run(tensors, symbols: inputs.symbols, guarding: ["weighted_loss"])
        return try outputs.scalar("weighted_loss")
    }

    /// Updates the parameters from the sums of gradients.
    ///
    /// - Returns: the gradients' norm before clipping; where the loss is scaled, it is not finite for a skipped step.
    func update(step: Int, learningRate: Double, scaler: LossScaler) throws -> Double {
        guard case .split(_, let program) = programs else {
            preconditionFailure("the model does not accumulate gradients")
        }
        let inputs = optimizerInputs(step: step, learningRate: learningRate, scaler)
        let norm = try update(program, inputs, symbols: [:], guarding: []).scalar("gradient_norm")
        if !norm.isFinite { clearSums() }
        return norm
    }

    private func optimizerInputs(
        step: Int, learningRate: Double, _ scaler: LossScaler
    ) -> [String: TensorData] {
        options.inputs(step: step - scaler.skipped, learningRate: learningRate, lossScale: scaler.scale)
    }

    private func update(
        _ program: Executor, _ tensors: [String: TensorData], symbols: [String: Int], guarding: [String]
    ) throws -> [String: TensorData] {
        let norm = "gradient_norm"
        return options.scalesLoss
            ? try program.run(tensors, symbols: symbols, guarding: guarding, updatingIfFinite: norm)
            : try program.run(tensors, symbols: symbols, guarding: guarding + [norm])
    }

    /// Sums that are not finite would stay so: a new sum is 0 times the old one, plus a gradient.
    private func clearSums() {
        for name in specs.map({ OptimizerOptions.sumName($0.name) }) where parameters.contains(name) {
            parameters.set(name) { $0.update(repeating: 0) }
        }
    }
}

extension [String: TensorData] {
    /// An output that is one number.
    fileprivate func scalar(_ name: String) throws -> Double { Double(try self[name]?.floats.first ?? .nan) }
}
