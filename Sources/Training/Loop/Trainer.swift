import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support

/// One training run: set up by the initialiser, done by `run`.
final class Trainer {
    let config: TrainingConfig
    /// The processes that train together; one alone when `nil`.
    let group: ProcessGroup?
    let source: ModelSource
    let task: any LearningTask
    let setup: TrainingSetup
    /// What the model learns from as well.
    let teacher: Teacher?
    /// Processes that the run began with.
    let processes: Int
    /// What the run goes on from.
    let resumed: TrainingCheckpoint?
    let plan: TrainingPlan
    let metric: Metric
    let outputDirectory: String
    let modelFingerprint: String
    /// What to know about the checkpoints that were looked at.
    private let resumeNotes: [String]
    let compiler: Compiler
    let shouldStop: () -> Bool
    let observer: (TrainingEvent) throws -> Void
    let started = ContinuousClock.now

    var progress = TrainingProgress()
    var pace = Pace()
    var logs: [any TrainingLog] = []
    /// Up to which step the logs in the output directory are of this run.
    var loggedStep = 0
    var epochs: [EpochSummary] = []
    var evaluations: [EvaluationReport] = []
    var lastStep: StepReport?
    /// Directory names of this run's checkpoints, oldest first.
    var kept: [String] = []

    /// Loads the model and the data and compiles the graphs.
    init(
        _ config: TrainingConfig, in group: ProcessGroup? = nil, compiler: Compiler,
        shouldStop: @escaping () -> Bool, observer: @escaping (TrainingEvent) throws -> Void
    ) throws {
        var notes: [String] = []
        resumed = try Self.checkpoint(config) { notes.append($0) }
        processes = resumed?.state.processes ?? group?.size ?? 1
        let config = config.shared(by: processes)
        self.config = config
        self.group = group
        self.compiler = compiler
        self.shouldStop = shouldStop
        self.observer = observer
        outputDirectory = config.resolve(config.output.directory)
        source = try ModelSource(config)
        // Pre-training keeps its tokens in files, which the first process makes.
        let waits = config.task == .pretrain ? group : nil
        if let waits, !waits.isFirst { try waits.barrier() }
        task =
            switch config.task {
            case .pretrain: try PretrainingTask(config, source)
            case .tokenClassification: try TokenTask(config, source)
            case .questionAnswering: try QuestionTask(config, source)
            case .multipleChoice: try ChoiceTask(config, source)
            case .embedding: try EmbeddingTask(config, source)
            case .reranking: try RerankingTask(config, source)
            case .classification, .multiLabelClassification, .regression, .glue:
                try SequenceTask(config, source)
            }
        if let waits, waits.isFirst { try waits.barrier() }
        metric = config.evaluation.metric ?? task.metric
        guard source.config.family.classes[task.architecture] != nil else {
            throw ModelError(
                .invalidModel,
                "is of the family '\(source.config.family.modelType)', which has no model for the task \"\(config.task.rawValue)\"",
                at: source.path)
        }
        if metric == .f1, config.task.hasLabels, config.task.metric != .f1, task.labels.count != 2 {
            throw ConfigError(
                file: config.file, field: "metric",
                problem:
                    "is \"f1\", which needs two labels, but there are \(task.labels.count); use \"macro_f1\"")
        }
        if config.evaluation.earlyStopping != nil, task.exampleCount(of: .validation) == nil {
            throw ConfigError(
                file: config.file, field: "earlyStopping",
                problem: "needs validation data; set validationFile, or heldOutFiles for pre-training")
        }
        plan = task.plan
        modelFingerprint = try Self.fingerprint(task.config)
        if let size = group?.size, size != processes {
            notes.append(try Self.note(of: resumed, from: processes, to: size, config))
        }
        if config.optimizer.isSharded, group?.size ?? 1 == 1 {
            notes.append("shardOptimizer has no effect with one process, which has all states")
        }
        resumeNotes = notes
        teacher = try Teacher(config, source, task, compiler: compiler)
        try teacher?.reserve(task.largestTrainingShapes(batchSize: .max))
        let blueprint = try TrainingBlueprint(
            config, source, task, distillation: teacher?.distillation, compiler: compiler, in: group)
        setup = try TrainingSetup.fitting(blueprint, resumed: resumed?.state.microBatchSize)
        try agree()
    }

    var model: TrainableModel { setup.model }
    var position: TrainingPosition { model.training.position }

    /// The run as it starts.
    var summary: TrainingSummary {
        let trainedNames = Set(model.training.trainedNames)
        let trained = model.specs.filter { trainedNames.contains($0.name) }
        return TrainingSummary(
            model: source.path, config: model.config, task: config.task, labels: task.labels,
            loaded: setup.loaded,
            parameterCount: model.specs.reduce(0) { $0 + $1.count },
            trainedCount: trained.reduce(0) { $0 + $1.count }, trainExamples: task.exampleCount,
            validationExamples: task.exampleCount(of: .validation),
            testExamples: task.exampleCount(of: .test),
            steps: plan.steps, warmupSteps: plan.warmupSteps, epochs: plan.epochs,
            instructionSet: compiler.instructionSet, threads: compiler.threads, memory: setup.memory,
            gates: source.gates, recomputation: model.training.recomputation,
            gradientAccumulation: config.batches.gradientAccumulation, microBatchSize: setup.microBatchSize,
            warnings: source.config.warnings + source.notes + task.warnings + resumeNotes
                + [
                    compiler.threadsNote, compiler.cacheWarning, compiler.slowPrecisionNote, setup.note,
                    group?.memoryNote,
                ]
                .compactMap { $0 })
    }
}
