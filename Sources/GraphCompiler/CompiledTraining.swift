import Foundation

/// Compiles a graph with a scalar loss into one step of training.
///
/// ```swift
/// let training = try GraphCompiler.compileTraining(graph, OptimizerOptions(maxGradientNorm: 1))
/// for batch in batches {
///     let loss = try training.step(["x": batch.x, "y": batch.y], learningRate: 1e-3)["loss"]!.floats[0]
/// }
/// let model = try GraphCompiler.compile(graph, parameters: training.graph.store)
/// ```
///
/// - Parameters:
///   - graph: the forward graph, with an f32 scalar output called `loss`.
///   - optimizer: see `trainingStep`, which makes the gradients and updates.
public func compileTraining(
    _ graph: Graph, _ optimizer: OptimizerOptions = OptimizerOptions(), loss: String = "loss",
    options: CompilerOptions = CompilerOptions(), parameters: ParameterStore = ParameterStore()
) throws -> CompiledTraining {
    try CompiledTraining(
        graph, optimizer, loss: loss, compiler: Compiler(options), parameters: parameters)
}

/// A training graph that counts its steps. One step at a time.
public final class CompiledTraining {
    /// The whole step: its signature has the optimiser's inputs and states too.
    public let graph: CompiledGraph
    /// What a step must be given.
    public let inputs: [TensorSpec]
    /// The forward graph's parameters, without the optimiser's states.
    public let parameters: [TensorSpec]
    /// Steps done so far; set it to go on from saved parameters and states.
    public var stepCount = 0
    /// What the loss is multiplied by where the options scale it; see `OptimizerOptions.scalesLoss`.
    public var lossScale = 1.0
    private let optimizer: OptimizerOptions
    private let guarded: [String]

    public init(
        _ forward: Graph, _ optimizer: OptimizerOptions = OptimizerOptions(), loss: String = "loss",
        compiler: Compiler, parameters: ParameterStore = ParameterStore()
    ) throws {
        let step = try trainingStep(forward, loss: loss, options: optimizer)
        graph = try CompiledGraph(step, compiler: compiler, parameters: parameters)
        let own = optimizer.inputs(step: 0, learningRate: 0)
        inputs = graph.inputs.filter { own[$0.name] == nil }
        self.parameters = forward.signature.parameters
        self.optimizer = optimizer
        guarded = [loss, "gradient_norm"]
    }

    /// Forward, backward, clipping and the optimiser's update.
    ///
    /// - Returns: the forward graph's outputs and `gradient_norm`, all of them before the update.
    /// - Throws: `ExecutionError`; also when the loss or the norm is not finite, naming the first node that made
    ///   a NaN or an infinity. No parameter has changed then.
    public func step(
        _ tensors: [String: TensorData], symbols: [String: Int] = [:], learningRate: Double
    ) throws -> [String: TensorData] {
        let own = optimizer.inputs(step: stepCount, learningRate: learningRate, lossScale: lossScale)
        if let taken = tensors.keys.filter({ own[$0] != nil }).min() {
            throw ExecutionError("is the step's own; leave it out", at: "input \"\(taken)\"")
        }
        let outputs = try graph(tensors.merging(own) { $1 }, symbols: symbols, guarding: guarded)
        stepCount += 1
        return outputs
    }
}

extension OptimizerOptions {
    /// The inputs that `trainingStep` adds to a graph: `learning_rate`, the bias corrections 1 - βᵗ with t = `step` + 1,
    /// and, where the options ask for them, `average_weight` and `loss_scale`.
    ///
    /// The average starts as the weights after the first step, as `torch.optim.swa_utils.AveragedModel` has it.
    public func inputs(step: Int, learningRate: Double, lossScale: Double = 1) -> [String: TensorData] {
        func correction(_ beta: Double) -> TensorData { .scalar(Float(1 - pow(beta, Double(step + 1)))) }
        var inputs: [String: TensorData] = [
            "learning_rate": .scalar(Float(learningRate)), "correction1": correction(adamW.beta1),
            "correction2": correction(adamW.beta2),
        ]
        if let averageDecay { inputs["average_weight"] = .scalar(step == 0 ? 1 : Float(1 - averageDecay)) }
        if scalesLoss { inputs["loss_scale"] = .scalar(Float(lossScale)) }
        return inputs
    }
}
