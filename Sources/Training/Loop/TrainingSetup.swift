import Encoders
import Foundation
import GraphCompiler

/// The model of a run, and what the run takes in memory.
struct TrainingSetup {
    let model: TrainableModel
    let loaded: LoadReport?
    /// Sequences that the graph is run on at most; `nil` where batches are run whole.
    private(set) var microBatchSize: Int?
    /// Symbols of the batches that take most memory.
    private(set) var shapes: (training: [[String: Int]], evaluation: [[String: Int]])
    private(set) var memory: TrainingMemory
    /// Why batches are not run whole.
    private(set) var note: String?

    /// Compiles the model for whole batches or, where `maxMemory` leaves no room for them, for the fewest micro-batches
    /// that fit.
    ///
    /// - Parameter resumed: the micro-batches of the run that is resumed, which are kept if they fit.
    /// - Throws: `TrainingConfigError` when not even a single sequence fits.
    static func fitting(
        _ config: TrainingConfig, _ source: ModelSource, _ task: any LearningTask, compiler: Compiler,
        resumed: Int?
    ) throws -> TrainingSetup {
        let graphs = try graphs(config, source, task)
        func make(_ size: Int?) throws -> TrainingSetup {
            // What loading and compiling have left behind.
            defer { ProcessMemory.releaseUnused() }
            return try TrainingSetup(config, source, task, graphs, compiler: compiler, microBatchSize: size)
        }
        let needed: TrainingMemory
        do {
            let setup = try make(resumed)
            guard let limit = config.machine.maxMemory?.byteCount, setup.memory.total > limit else {
                return setup
            }
            needed = setup.memory
        }
        let limit = config.machine.maxMemory?.byteCount ?? .max
        var setup = try make(1)
        guard setup.memory.total <= limit else {
            throw TrainingConfigError(
                file: config.file, field: "maxMemory",
                problem:
                    "is \(text(limit)), but the run needs \(text(needed.total)): \(list(needed)); micro-batches of "
                    + "one sequence need \(text(setup.memory.total)), so choose a smaller model, a lower maxLength, or "
                    + "more memory")
        }
        let whole = task.largestBatchSize
        var (fits, tooLarge) = (1, max(2, whole))
        while tooLarge - fits > 1 {
            let middle = (fits + tooLarge) / 2
            try setup.cut(task, into: middle)
            if setup.memory.total <= limit { fits = middle } else { tooLarge = middle }
        }
        // As many pieces as that takes, as equal as can be.
        let pieces = (whole + fits - 1) / fits
        try setup.cut(task, into: (whole + pieces - 1) / pieces)
        setup.note =
            "maxMemory is \(text(limit)) and whole batches need \(text(needed.total)): batches are cut into up to "
            + "\(pieces) micro-batches of \(setup.microBatchSize ?? 1) sequences, which need \(text(setup.memory.total))"
        return setup
    }

    private init(
        _ config: TrainingConfig, _ source: ModelSource, _ task: any LearningTask, _ graphs: ModelGraphs,
        compiler: Compiler, microBatchSize: Int?
    ) throws {
        shapes = (
            try task.largestTrainingShapes(batchSize: microBatchSize ?? .max), try task.evaluationShapes()
        )
        var recompute = RecomputeRequest()
        recompute.recompute = config.machine.recompute
        recompute.shapes = shapes.training
        recompute.limit = config.machine.maxMemory?.byteCount
        (model, loaded) = try Self.model(
            config, source, graphs, keepsHead: task.keepsHead, compiler: compiler,
            accumulates: task.accumulates || microBatchSize != nil, recompute)
        self.microBatchSize = microBatchSize
        ProcessMemory.releaseUnused()
        memory = model.memory(training: shapes.training, evaluation: shapes.evaluation)
    }

    /// Plans for micro-batches of `size` sequences.
    private mutating func cut(_ task: any LearningTask, into size: Int) throws {
        microBatchSize = size
        shapes.training = try task.largestTrainingShapes(batchSize: size)
        memory = memory.replacingRuns(
            by: model.runByteCounts(training: shapes.training, evaluation: shapes.evaluation))
    }

    /// The graphs of the model, with what `freeze` lists frozen.
    private static func graphs(
        _ config: TrainingConfig, _ source: ModelSource, _ task: any LearningTask
    ) throws -> ModelGraphs {
        var graphs = try ModelGraphs(
            task.config, task.head, gates: source.gates, labelSmoothing: config.optimizer.labelSmoothing)
        do {
            // Gates are always trained.
            let names = graphs.parameters.filter { $0.role != .gate }.map(\.name)
            let frozen = try FrozenParameters(config.model.freeze, of: names)
            if source.gates == nil, names.allSatisfy(frozen.contains) {
                throw FreezeError("leaves nothing to train: all parameters match; take an entry out")
            }
            try graphs.freeze(frozen.contains)
        } catch let error as FreezeError {
            throw TrainingConfigError(file: config.file, field: "freeze", problem: error.problem)
        }
        return graphs
    }

    /// The model with its first parameters.
    private static func model(
        _ config: TrainingConfig, _ source: ModelSource, _ graphs: ModelGraphs, keepsHead: Bool,
        compiler: Compiler, accumulates: Bool, _ recompute: RecomputeRequest
    ) throws -> (TrainableModel, LoadReport?) {
        let parameters = ParameterStore()
        let initializer = ParameterInitializer(seed: config.seed, config: graphs.config)
        let report = try source.initialize(graphs.parameters, keepsHead: keepsHead, initializer: initializer)
        {
            spec, values in
            try parameters.set(spec.name, shape: spec.shape) { _ = $0.update(fromContentsOf: values) }
        }
        var options = OptimizerOptions(
            config.optimizer.kind,
            adamW: AdamWAttributes(
                beta1: config.optimizer.beta1, beta2: config.optimizer.beta2,
                epsilon: config.optimizer.epsilon,
                weightDecay: config.optimizer.weightDecay), maxGradientNorm: config.optimizer.maxGradientNorm,
            averageDecay: config.optimizer.ema, scalesLoss: compiler.options.precision == .fp16)
        let (rate, decay) = (config.firstLearningRate, config.optimizer.layerwiseLearningRateDecay)
        options.follow(
            graphs.parameters,
            scale: { $0.learningRateScale(decay: decay, layers: graphs.config.layers) },
            // The rate of all others is 0 only if that of gates is.
            gateScale: rate > 0 ? (config.mask.learningRate ?? rate) / rate : 1)
        let model = try TrainableModel(
            graphs, options: options, compiler: compiler, parameters: parameters,
            lossTerms: graphs.head.lossTerms, accumulates: accumulates, recompute: recompute)
        try model.startAverages()
        return (model, report)
    }

    private static func list(_ memory: TrainingMemory) -> String {
        memory.parts.map { "\($0.name) \(text($0.byteCount))" }.joined(separator: ", ")
    }

    private static func text(_ byteCount: Int) -> String {
        byteCount < 1_000_000_000
            ? String(format: "%.1f MB", Double(byteCount) / 1e6)
            : String(format: "%.2f GB", Double(byteCount) / 1e9)
    }
}
