import BERT
import Foundation
import GraphCompiler

/// One training run: set up by the initialiser, done by `run`.
final class Trainer {
    let config: TrainingConfig
    let source: ModelSource
    let task: any LearningTask
    let model: TrainableModel
    /// As planned before anything but the parameters is in memory.
    let memory: TrainingMemory
    /// Symbols of the batches that take most memory.
    let shapes: (training: [[String: Int]], evaluation: [[String: Int]])
    let plan: TrainingPlan
    let metric: TrainingMetric
    let loaded: LoadReport?
    let outputDirectory: String
    let compiler: Compiler
    let shouldStop: () -> Bool
    let observer: (TrainingEvent) throws -> Void
    let started = ContinuousClock.now

    var progress = TrainingProgress()
    var pace = Pace()
    var logs: [any TrainingLog] = []
    var window = TrainingLogWindow()
    var epochs: [EpochSummary] = []
    var evaluations: [EvaluationReport] = []
    var lastStep: StepReport?
    /// Directory names of this run's checkpoints, oldest first.
    var kept: [String] = []

    /// Loads the model and the data and compiles both graphs. Writes nothing.
    init(
        _ config: TrainingConfig, compiler: Compiler, shouldStop: @escaping () -> Bool,
        observer: @escaping (TrainingEvent) throws -> Void
    ) throws {
        self.config = config
        self.compiler = compiler
        self.shouldStop = shouldStop
        self.observer = observer
        outputDirectory = config.resolve(config.outputDirectory)
        source = try ModelSource(config)
        let gates = try AttentionGates(config, source)
        try config.checkMask(of: source.config, gates)
        task = try SequenceTask(config, source)
        metric = config.metric ?? task.metric
        if metric == .f1, task.labels.count != 2 {
            throw TrainingConfigError(
                file: config.file, field: "metric",
                problem:
                    "is \"f1\", which needs two labels, but there are \(task.labels.count); use \"macro_f1\"")
        }
        if config.earlyStopping != nil, task.exampleCount(of: .validation) == nil {
            throw TrainingConfigError(
                file: config.file, field: "earlyStopping",
                problem: "needs validation data; set validationFile")
        }
        plan = task.plan
        shapes = (
            try task.largestTrainingShapes(batchSize: config.batchSize), task.evaluationShapes
        )
        var recompute = RecomputeRequest()
        recompute.recompute = config.recompute
        recompute.shapes = shapes.training
        recompute.limit = config.maxMemory?.byteCount
        (model, loaded) = try Self.model(config, source, task, gates, compiler: compiler, recompute)
        // What loading and compiling have left behind.
        ProcessMemory.releaseUnused()
        memory = model.memory(training: shapes.training, evaluation: shapes.evaluation)
        try checkMemory()
    }

    /// The model with its first parameters.
    private static func model(
        _ config: TrainingConfig, _ source: ModelSource, _ task: any LearningTask, _ gates: AttentionGates?,
        compiler: Compiler, _ recompute: RecomputeRequest
    ) throws -> (TrainableModel, LoadReport?) {
        let specs = try BertGraph(config: task.config, head: task.head, isTraining: false, gates: gates)
            .parameters()
        let frozen: FrozenParameters
        do {
            let names = specs.map(\.name).filter { !AttentionGates.isGate($0) }
            frozen = try FrozenParameters(config.freeze, of: names)
        } catch let error as FreezeError {
            throw TrainingConfigError(file: config.file, field: "freeze", problem: error.problem)
        }
        let parameters = ParameterStore()
        let initializer = ParameterInitializer(seed: config.seed, config: task.config)
        let report = try source.initialize(specs, keepsHead: task.keepsHead, initializer: initializer) {
            try parameters.set($0.name, TensorData($1, shape: $0.shape))
        }
        var options = OptimizerOptions(
            adamW: AdamWAttributes(
                beta1: config.beta1, beta2: config.beta2, epsilon: config.epsilon,
                weightDecay: config.weightDecay), maxGradientNorm: config.maxGradientNorm)
        options.treatGates(
            learningRate: config.damLearningRate ?? config.learningRate, of: config.learningRate)
        let model = try TrainableModel(
            config: task.config, head: task.head, options: options, compiler: compiler,
            parameters: parameters,
            gates: gates, labelSmoothing: config.labelSmoothing, recompute: recompute,
            isFrozen: frozen.contains)
        return (model, report)
    }

    /// The run as it starts.
    var summary: TrainingSummary {
        let trained = model.specs.filter { model.parameters.contains("\($0.name).exp_avg") }
        return TrainingSummary(
            model: source.path, config: model.config, labels: task.labels, loaded: loaded,
            parameterCount: model.specs.reduce(0) { $0 + $1.count },
            trainedCount: trained.reduce(0) { $0 + $1.count }, trainExamples: task.exampleCount,
            validationExamples: task.exampleCount(of: .validation),
            testExamples: task.exampleCount(of: .test),
            steps: plan.steps, warmupSteps: plan.warmupSteps, epochs: plan.epochs,
            instructionSet: compiler.instructionSet, threads: compiler.threads, memory: memory,
            gates: model.search?.gates,
            recomputation: model.recomputation,
            warnings: source.config.warnings + task.warnings + [compiler.cacheWarning].compactMap { $0 })
    }
}
