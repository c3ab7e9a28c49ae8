import BERT
import GraphCompiler
import Text

/// A model whose parameters a training step updates and an evaluation reads: two graphs over one set of parameters.
package final class TrainableModel {
    package let config: BertConfig
    package let head: BertHead
    /// The parameters without the optimiser's states.
    package let specs: [ParameterSpec]
    package let parameters: ParameterStore
    let options: OptimizerOptions
    /// The attention mask that is learned.
    let search: MaskSearch?
    /// What a step computes again; `nil` when nothing was to be.
    let recomputation: Recomputation?
    private let training: Executor
    private let evaluation: Executor
    /// Whether a dropout rate is positive.
    private let needsRandomness: Bool

    /// Compiles both graphs. The caller sets `parameters` before or after.
    ///
    /// - Parameters:
    ///   - gates: learn an attention mask.
    ///   - labelSmoothing: of the training loss.
    ///   - recompute: what a step computes again.
    ///   - isFrozen: parameters that are not trained.
    package init(
        config: BertConfig, head: BertHead, options: OptimizerOptions, compiler: Compiler,
        parameters: ParameterStore = ParameterStore(), gates: AttentionGates? = nil,
        labelSmoothing: Double = 0, recompute: RecomputeRequest = RecomputeRequest(),
        isFrozen: @escaping @Sendable (String) -> Bool = { _ in false }
    ) throws {
        self.config = config
        self.head = head
        self.options = options
        self.parameters = parameters
        search = gates.map { MaskSearch($0, of: config) }
        let forward = BertGraph(
            config: config, head: head, isTraining: true, labelSmoothing: labelSmoothing, gates: gates,
            isFrozen: isFrozen)
        specs = try forward.parameters()
        let graph = try forward.build()
        try compiler.options.dump?(CompilationStage(graph))
        let step = try trainingStep(graph, loss: "loss", options: options)
        needsRandomness = step.nodes.contains { node in
            if case .input("rng", _) = node.op { true } else { false }
        }
        evaluation = try compiler.compile(
            BertGraph(config: config, head: head, isTraining: false, gates: gates).build(),
            parameters: parameters)
        recomputation = try recompute.plan(step, compiler, parameters)
        training = try compiler.compile(
            step, parameters: parameters, recompute: recomputation?.chosen.recompute ?? recompute.recompute)
    }

    /// Names of the optimiser's states in `parameters`.
    package var stateNames: [String] {
        let own = Set(specs.map(\.name))
        return parameters.names.filter { !own.contains($0) }
    }

    /// What steps and evaluations over batches with such symbols hold beside the parameters.
    func runByteCounts(training: [[String: Int]], evaluation: [[String: Int]]) -> Executor.RunByteCounts {
        var counts = self.training.byteCounts(of: training)
        counts.formMaximum(self.evaluation.byteCounts(of: evaluation))
        return counts
    }

    /// Takes that memory now.
    func reserve(training: [[String: Int]], evaluation: [[String: Int]]) throws {
        try self.training.reserve(training)
        try self.evaluation.reserve(evaluation)
    }

    /// The kernels of the training step with the time they took; empty unless `profiles` is set.
    var profile: [String: KernelUse] { training.profile }

    /// Receives when each worker runs which kernel of the training step.
    var trace: RunTrace? {
        get { training.trace }
        set { training.trace = newValue }
    }

    var profiles: Bool {
        get { training.profiles }
        set { training.profiles = newValue }
    }

    /// One step: forward and backward over the micro-batches, clipping, update.
    ///
    /// - Parameters:
    ///   - step: counted from 0; fixes the bias corrections and the dropout.
    ///   - inputs: the step's micro-batches; several need a model that accumulates gradients.
    /// - Throws: `ExecutionError` when loss or norm are not finite, naming the node; no parameter has changed then.
    package func step(
        _ step: Int, _ inputs: [StepInputs], learningRate: Double, seed: Int
    ) throws -> StepResult {
        precondition(inputs.count == 1, "the model does not accumulate gradients")
        var tensors = inputs[0].tensors
        tensors.merge(options.inputs(step: step, learningRate: learningRate)) { $1 }
        if needsRandomness { tensors["rng"] = .rng(seed: seed, step: step) }
        if let search { tensors.merge(search.noise(seed: seed, step: step)) { $1 } }
        let outputs = try training.run(
            tensors, symbols: inputs[0].symbols, guarding: ["loss", "gradient_norm"])
        func scalar(_ name: String) -> Double { Double(outputs[name]?.floats.first ?? .nan) }
        return StepResult(loss: scalar("loss"), gradientNorm: scalar("gradient_norm"))
    }

    /// The share of pairs that the learned mask leaves out now, without noise; `nil` when none is learned.
    var maskSparsity: Double? { search?.sparsity(in: parameters) }

    /// What runs the model without dropout, in batches of about `batchTokens` tokens.
    func runner(maxLength: Int, batchTokens: Int) -> SequenceRunner {
        SequenceRunner(executor: evaluation, maxLength: maxLength, batchTokens: batchTokens)
    }
}
