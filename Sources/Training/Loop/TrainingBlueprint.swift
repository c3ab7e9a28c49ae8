import Encoders
import GraphCompiler
import Pipelines
import Support

/// What a run's model is made of: the graphs, which are built once, and how they are trained.
struct TrainingBlueprint {
    let config: TrainingConfig
    let source: ModelSource
    let task: any LearningTask
    let compiler: Compiler
    /// The processes that train together; one alone when `nil`.
    let group: ProcessGroup?
    private let graphs: ModelGraphs
    private let optimizer: OptimizerOptions

    /// - Throws: `ConfigError` for parameters to freeze that there are not, or when nothing is left to train.
    init(
        _ config: TrainingConfig, _ source: ModelSource, _ task: any LearningTask,
        distillation: Distillation? = nil, compiler: Compiler, in group: ProcessGroup? = nil
    ) throws {
        (self.config, self.source, self.task, self.compiler) = (config, source, task, compiler)
        self.group = group
        graphs = try ModelGraphs(
            config: task.config, head: task.head, gates: source.gates,
            adapter: try source.adapter(
                of: task.head, task.config, keepsHead: task.keepsHead, file: config.file),
            labelSmoothing: config.optimizer.labelSmoothing,
            isWeighted: config.examples.areWeighted, distillation: distillation, sentences: task.sentences,
            ranking: task.ranking, frozenWeights: config.adapter.frozenWeights)
        optimizer = OptimizerOptions(
            config.optimizer.kind,
            adamW: AdamWAttributes(
                beta1: config.optimizer.beta1, beta2: config.optimizer.beta2,
                epsilon: config.optimizer.epsilon, weightDecay: config.optimizer.weightDecay),
            states: config.optimizer.states,
            maxGradientNorm: config.optimizer.maxGradientNorm, averageDecay: config.optimizer.ema,
            scalesLoss: compiler.options.precision == .fp16,
            treatments: try Self.treatments(of: graphs, config))
    }

    /// The model with its first parameters.
    ///
    /// - Parameters:
    ///   - caches: whether batches are cut into pieces though the loss compares their examples.
    ///   - memory: what a step is planned for.
    func model(
        accumulates: Bool, caches: Bool = false, _ memory: MemoryRequest
    ) throws -> (TrainableModel, LoadReport?) {
        let parameters = ParameterStore()
        let initializer = ParameterInitializer(seed: config.seed, config: task.config)
        let report = try source.initialize(
            parameters, graphs.specs, keepsHead: task.keepsHead, initializer: initializer,
            inBF16: graphs.storedInBF16)
        var options = TrainingOptions(
            optimizer, accumulates: accumulates, seed: config.seed, recompute: config.machine.recompute,
            memory: memory)
        (options.group, options.shardsOptimizer) = (group, config.optimizer.isSharded)
        if caches { options.cachedOutput = SentenceTraining.output }
        let model = try TrainableModel(graphs, options, compiler: compiler, parameters: parameters)
        try model.training.startAverages()
        return (model, report)
    }

    /// Gates have a learning rate of their own, and neither weight decay nor clipping: the factor 10000 in their gradients
    /// would make clipping a matter of them alone. They are always trained.
    private static func treatments(
        of graphs: ModelGraphs, _ config: TrainingConfig
    ) throws -> [String: ParameterTreatment] {
        let others = config.firstLearningRate
        // The others' rate is 0 only if that of gates is.
        let gateScale = others > 0 ? (config.mask.learningRate ?? others) / others : 1
        let frozen = try frozen(graphs, config)
        let trained = Set(graphs.savedSpecs.map(\.name))
        let pairs = graphs.specs.map { spec in
            let treatment =
                spec.role == .gate
                ? ParameterTreatment(rateScale: gateScale, decays: false, isClipped: false)
                : ParameterTreatment(
                    rateScale: spec.learningRateScale(
                        decay: config.optimizer.layerwiseLearningRateDecay, layers: graphs.config.layerCount),
                    decays: spec.decays, isFrozen: frozen.contains(spec.name) || !trained.contains(spec.name))
            return (spec.name, treatment)
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    private static func frozen(_ graphs: ModelGraphs, _ config: TrainingConfig) throws -> FrozenParameters {
        let names = graphs.specs.filter { $0.role != .gate }.map(\.name)
        do {
            let frozen = try FrozenParameters(config.model.freeze, of: names)
            if graphs.gates == nil, names.allSatisfy(frozen.contains) {
                throw FreezeError("leaves nothing to train: all parameters match; take an entry out")
            }
            return frozen
        } catch let error as FreezeError {
            throw ConfigError(file: config.file, field: "freeze", problem: error.problem)
        }
    }
}
