import Encoders
import Foundation
import GraphCompiler
import Support

/// The model of a run, and what the run takes in memory.
struct TrainingSetup {
    let model: TrainableModel
    let loaded: LoadReport?
    /// Sequences that the graph is run on at most; `nil` where batches are run whole.
    private(set) var microBatchSize: Int?
    /// Symbols of the batches that take most memory.
    private(set) var shapes: (training: [[String: Int]], whole: [[String: Int]], evaluation: [[String: Int]])
    private(set) var memory: TrainingMemory
    /// Why batches are not run whole.
    private(set) var note: String?

    /// Compiles the model for whole batches or, where `maxMemory` leaves no room for them, for the fewest micro-batches
    /// that fit.
    ///
    /// - Parameter resumed: the micro-batches of the run that is resumed, which are kept if they fit.
    /// - Throws: `ConfigError` when not even a single sequence fits.
    static func fitting(_ blueprint: TrainingBlueprint, resumed: Int?) throws -> TrainingSetup {
        func make(_ size: Int?) throws -> TrainingSetup {
            // What loading and compiling have left behind.
            defer { ProcessMemory.releaseUnused() }
            return try TrainingSetup(blueprint, microBatchSize: size)
        }
        let config = blueprint.config
        let needed: TrainingMemory
        do {
            let setup = try make(resumed ?? config.batches.miniBatchSize)
            guard let limit = config.machine.maxMemory?.byteCount, setup.memory.total > limit else {
                return setup
            }
            needed = setup.memory
        }
        let limit = config.machine.maxMemory?.byteCount ?? .max
        var setup = try make(1)
        guard setup.memory.total <= limit else {
            throw ConfigError(
                file: config.file, field: "maxMemory",
                problem:
                    "is \(text(limit)), but the run needs \(text(needed.total)): \(list(needed)); micro-batches of "
                    + "one sequence need \(text(setup.memory.total)), so choose a smaller model, a lower maxLength, or "
                    + "more memory")
        }
        let (task, whole) = (blueprint.task, blueprint.task.largestBatchSize)
        var size = try TrainingProgram.microBatchSize(of: whole) {
            try setup.cut(task, into: $0)
            return setup.memory.total <= limit
        }
        if let group = blueprint.group {
            size = try group.allGather(of: .success([size])).joined().min() ?? size
        }
        try setup.cut(task, into: size)
        let pieces = (whole + size - 1) / size
        setup.note =
            "maxMemory is \(text(limit)) and whole batches need \(text(needed.total)): batches are cut into up to "
            + "\(Formatted.count(pieces, "micro-batch", "micro-batches")) of \(Formatted.count(size, "sequence")), which need \(text(setup.memory.total))"
        return setup
    }

    private init(_ blueprint: TrainingBlueprint, microBatchSize: Int?) throws {
        let task = blueprint.task
        shapes = (
            try task.largestTrainingShapes(batchSize: microBatchSize ?? .max),
            task.comparesExamples ? try task.largestTrainingShapes(batchSize: .max) : [],
            try task.evaluationShapes()
        )
        let request = MemoryRequest(
            shapes: shapes.training, limit: blueprint.config.machine.maxMemory?.byteCount)
        (model, loaded) = try blueprint.model(
            accumulates: task.accumulates || microBatchSize != nil,
            caches: task.comparesExamples && microBatchSize != nil, request)
        self.microBatchSize = microBatchSize
        ProcessMemory.releaseUnused()
        memory = model.training.memory(
            running: try model.runByteCounts(
                training: shapes.training, whole: shapes.whole, evaluation: shapes.evaluation))
    }

    /// Plans for micro-batches of `size` sequences.
    private mutating func cut(_ task: any LearningTask, into size: Int) throws {
        microBatchSize = size
        shapes.training = try task.largestTrainingShapes(batchSize: size)
        memory = memory.replacingRuns(
            by: try model.runByteCounts(
                training: shapes.training, whole: shapes.whole, evaluation: shapes.evaluation))
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
