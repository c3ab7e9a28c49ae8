import Encoders
import GraphCompiler
import Pipelines

/// An encoder that is trained and evaluated: a training program and a graph without dropout over the same parameters.
package final class TrainableModel {
    private let graphs: ModelGraphs
    package let training: TrainingProgram
    private let evaluation: Executor
    private let lossEvaluation: Executor?
    /// The attention mask that is learned.
    let search: MaskSearch?

    package var config: EncoderConfig { graphs.config }
    package var head: EncoderHead { graphs.head }
    /// The parameters without the optimiser's states.
    package var specs: [ParameterSpec] { graphs.specs }
    /// Those of them that checkpoints hold.
    var savedSpecs: [ParameterSpec] { graphs.savedSpecs }
    /// The low-rank adapter that is trained.
    var adapter: AdapterPlan? { graphs.adapter }
    package var parameters: ParameterStore { training.store }

    /// Compiles the graphs. The caller sets `parameters` before or after.
    package init(
        _ graphs: ModelGraphs, _ options: TrainingOptions, compiler: Compiler,
        parameters: ParameterStore = ParameterStore()
    ) throws {
        self.graphs = graphs
        let search = graphs.gates.map { MaskSearch($0, of: graphs.config) }
        self.search = search
        var options = options
        options.lossTerms = graphs.lossTerms
        // One mask for all micro-batches of a step.
        let seed = options.seed
        if let search { options.stepInputs = { try search.noise(seed: seed, step: $0) } }
        training = try TrainingProgram(graphs.training, options, compiler: compiler, store: parameters)
        evaluation = try training.evaluation(graphs.evaluation).executor
        lossEvaluation = try graphs.valueLoss.map { [training] in try training.evaluation($0).executor }
    }

    /// What steps and evaluations over batches with such symbols hold beside the parameters.
    ///
    /// - Parameter whole: symbols of whole batches, where `training` are those of their pieces and the loss is of all.
    func runByteCounts(
        training: [[String: Int]], whole: [[String: Int]], evaluation: [[String: Int]]
    ) throws -> Executor.RunByteCounts {
        var counts = try self.training.byteCounts(of: training, whole: whole)
        counts.formMaximum(try self.evaluation.byteCounts(of: evaluation))
        return counts
    }

    /// Takes that memory now.
    func reserve(training: [[String: Int]], whole: [[String: Int]], evaluation: [[String: Int]]) throws {
        try self.training.reserve(training, whole: whole)
        try self.evaluation.reserve(evaluation)
    }

    /// Runs the model without dropout.
    ///
    /// - Throws: `ExecutionError` when one of `outputs` is not finite, naming the node.
    func infer(_ inputs: EncoderInputs, outputs: [String]) throws -> [String: TensorData] {
        try evaluation.run(inputs.tensors, symbols: inputs.symbols, guarding: outputs)
    }

    /// The loss of vectors or scores, as the loss of a batch that has them is.
    ///
    /// - Parameter inputs: them, and what the loss reads beside them.
    func loss(of inputs: [String: TensorData]) throws -> Double {
        guard let lossEvaluation else { return .nan }
        let outputs = try lossEvaluation.run(inputs, symbols: [:], guarding: [TrainingNames.loss])
        return try outputs[TrainingNames.loss]?.floats.first.map { Double($0) } ?? .nan
    }

    /// Those of a batch's inputs that the model reads: families without token types or positions have no input for them.
    package func readInputs(of batch: StepInputs) -> StepInputs {
        let read = Set(training.inputs.map(\.name))
        var batch = batch
        for name in EncoderInputs.optional where !read.contains(name) { batch.tensors[name] = nil }
        return batch
    }

    /// What runs the model without dropout, in batches of about `batchTokens` tokens.
    func runner(maxLength: Int, batchTokens: Int) -> SequenceRunner {
        SequenceRunner(
            executor: evaluation, maxLength: maxLength, batchTokens: batchTokens,
            uncountedID: config.uncountedToken, group: training.options.group)
    }

    /// The share of pairs that the learned mask leaves out now, without noise; `nil` when none is learned.
    var maskSparsity: Double? { search?.sparsity(in: parameters, named: training.evaluatedName) }
}
