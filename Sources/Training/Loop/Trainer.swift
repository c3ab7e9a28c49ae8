import BERT
import Foundation
import GraphCompiler
import Text

/// One training run: set up by the initialiser, done by `run`.
final class Trainer {
    let config: TrainingConfig
    let source: ModelSource
    let data: TrainingData
    let model: TrainableModel
    /// As planned before anything but the parameters is in memory.
    let memory: TrainingMemory
    /// Shapes of the batches that take most memory.
    let shapes: (training: [BatchShape], evaluation: [BatchShape])
    let batcher: Batcher
    let plan: TrainingPlan
    let schedule: LearningRateSchedule
    let metric: TrainingMetric
    let loaded: LoadReport?
    let dataFingerprint: String
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
        data = try TrainingData(config, source)
        dataFingerprint = data.train.fingerprint
        metric = config.metric ?? config.task.metric
        if metric == .f1, data.labels.count != 2 {
            throw TrainingConfigError(
                file: config.file, field: "metric",
                problem:
                    "is \"f1\", which needs two labels, but there are \(data.labels.count); use \"macro_f1\"")
        }
        if config.earlyStopping != nil, data.validation == nil {
            throw TrainingConfigError(
                file: config.file, field: "earlyStopping",
                problem: "needs validation data; set validationFile")
        }
        batcher = try Batcher(
            data.train.encodings,
            options: BatchingOptions(
                mode: config.batching.mode, batchSize: config.batchSize, maxTokens: config.maxTokens,
                maxLength: data.maxLength, padID: source.tokenizer.special.pad, shuffle: true,
                seed: UInt64(config.seed)))
        plan = TrainingPlan(config, batcher.plan)
        schedule = LearningRateSchedule(config, steps: plan.steps)
        (model, loaded) = try Self.model(config, source, gates, labels: data.labels, compiler: compiler)
        let evaluated = [data.validation, data.test].compactMap { $0?.encodings }
        let runner = model.runner(maxLength: data.maxLength, batchTokens: Self.evaluationTokens)
        shapes = (plan.largestShapes, evaluated.flatMap(runner.shapes(of:)))
        // What loading and compiling have left behind.
        ProcessMemory.releaseUnused()
        memory = model.memory(training: shapes.training, evaluation: shapes.evaluation)
        try checkMemory()
    }

    /// Tokens in a batch of an evaluation, which needs no memory for gradients.
    static let evaluationTokens = 4096

    /// The model with its first parameters.
    private static func model(
        _ config: TrainingConfig, _ source: ModelSource, _ gates: AttentionGates?, labels: [String],
        compiler: Compiler
    ) throws -> (TrainableModel, LoadReport?) {
        var architecture = source.config
        let head: BertHead
        let keepsHead: Bool
        if config.task.isRegression {
            keepsHead = architecture.labels.count == 1
            head = .regression
            architecture.labels = ["LABEL_0"]
            architecture.problemType = .regression
        } else {
            keepsHead = labels == architecture.labels && architecture.problemType != .regression
            head = .classification(labels: labels.count)
            architecture.labels = labels
            architecture.problemType = .singleLabel
        }
        let specs = try BertGraph(config: architecture, head: head, isTraining: false, gates: gates)
            .parameters()
        let globs = try config.freeze.map { pattern in
            let glob = Glob(pattern)
            guard specs.contains(where: { glob.matches($0.name) && !AttentionGates.isGate($0.name) }) else {
                throw TrainingConfigError(
                    file: config.file, field: "freeze",
                    problem: "has the pattern \"\(pattern)\", which no parameter matches; names are like \""
                        + "encoder.layer.0.output.dense.weight\"")
            }
            return glob
        }
        let parameters = ParameterStore()
        let initializer = ParameterInitializer(seed: config.seed, config: architecture)
        let report = try source.initialize(specs, keepsHead: keepsHead, initializer: initializer) {
            try parameters.set($0.name, TensorData($1, shape: $0.shape))
        }
        var options = OptimizerOptions(
            adamW: AdamWAttributes(
                beta1: config.beta1, beta2: config.beta2, epsilon: config.epsilon,
                weightDecay: config.weightDecay), maxGradientNorm: config.maxGradientNorm)
        options.treatGates(
            learningRate: config.damLearningRate ?? config.learningRate, of: config.learningRate)
        let model = try TrainableModel(
            config: architecture, head: head, options: options, gates: gates, compiler: compiler,
            parameters: parameters
        ) { name in globs.contains { $0.matches(name) } }
        return (model, report)
    }

    /// The run as it starts.
    var summary: TrainingSummary {
        let trained = model.specs.filter { model.parameters.contains("\($0.name).exp_avg") }
        return TrainingSummary(
            model: source.path, config: model.config, labels: data.labels, loaded: loaded,
            parameterCount: model.specs.reduce(0) { $0 + $1.count },
            trainedCount: trained.reduce(0) { $0 + $1.count }, trainExamples: data.train.encodings.count,
            validationExamples: data.validation?.encodings.count, testExamples: data.test?.encodings.count,
            steps: plan.steps, warmupSteps: schedule.warmupSteps, epochs: plan.epochs,
            instructionSet: compiler.instructionSet, threads: compiler.threads, memory: memory,
            gates: model.search?.gates,
            warnings: source.config.warnings + data.warnings + [compiler.cacheWarning].compactMap { $0 })
    }
}

extension TrainingBatching {
    var mode: BatchingMode {
        switch self {
        case .fixed: .fixed
        case .dynamic: .dynamic
        case .uniform: .uniform
        case .packed: .packed
        }
    }
}
