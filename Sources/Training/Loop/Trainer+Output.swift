import BERT
import Foundation
import GraphCompiler
import Support

extension Trainer {
    private static func checkpoints(_ config: TrainingConfig) -> URL {
        URL(fileURLWithPath: config.resolve(config.outputDirectory), isDirectory: true)
            .appendingPathComponent(
                "checkpoints")
    }

    private var checkpoints: URL { Self.checkpoints(config) }

    /// The directory name of a checkpoint made now.
    var checkpointName: String { "step-\(progress.step)" }

    // MARK: Checkpoints

    /// The checkpoint that the configuration names; `nil` for a new start.
    static func checkpoint(_ config: TrainingConfig) throws -> TrainingCheckpoint? {
        switch config.resume {
        case nil: return nil
        case "latest"?:
            return try TrainingCheckpoint.all(in: checkpoints(config)).first.map {
                try TrainingCheckpoint(directory: $0.directory)
            }
        case let path?:
            return try TrainingCheckpoint(
                directory: URL(fileURLWithPath: config.resolve(path), isDirectory: true))
        }
    }

    /// Goes back to the checkpoint to go on from.
    /// - Returns: its directory; `nil` for a new start.
    func restore() throws -> URL? {
        guard let checkpoint = resumed else { return nil }
        let directory = checkpoint.directory
        let now = CheckpointState(
            progress: progress, config: config, data: task.fingerprint, microBatchSize: setup.microBatchSize)
        try checkpoint.state.check(against: now, at: directory.path)
        guard checkpoint.state.progress.step <= plan.steps else {
            throw TrainingError(
                .invalidCheckpoint,
                "is after \(checkpoint.state.progress.step) steps, but this run has \(plan.steps); raise epochs or "
                    + "maxSteps, or choose an earlier checkpoint", at: directory.path)
        }
        if checkpoint.state.progress.microBatch > 0, checkpoint.state.microBatchSize != setup.microBatchSize {
            throw TrainingError(
                .invalidCheckpoint,
                "was made in the middle of a step, but its micro-batches do not fit into maxMemory any more; raise it, or "
                    + "choose an earlier checkpoint", at: directory.path)
        }
        try checkpoint.restore(model)
        progress = checkpoint.state.progress
        let isOwn =
            directory.deletingLastPathComponent().standardizedFileURL == checkpoints.standardizedFileURL
        if isOwn { kept = checkpoint.state.kept }
        let hasBest = isOwn && FileManager.default.fileExists(atPath: outputDirectory + "/model.safetensors")
        // The best model of another run's directory cannot be saved at the end of this one.
        if !hasBest { (progress.bestValue, progress.bestStep) = (nil, nil) }
        return directory
    }

    /// Saves a checkpoint; then removes those that are too many, and those of older runs in the directory.
    func saveCheckpoint() throws {
        kept.removeAll { $0 == checkpointName }
        kept = (kept + [checkpointName]).suffix(config.keepCheckpoints)
        var state = CheckpointState(
            progress: progress, config: config, data: task.fingerprint, microBatchSize: setup.microBatchSize)
        state.kept = kept
        try TrainingCheckpoint.save(model, state: state, in: checkpoints)
        TrainingCheckpoint.prune(in: checkpoints, keeping: Set(kept))
        try observer(
            .checkpoint(path: "\(outputDirectory)/checkpoints/\(checkpointName)", step: progress.step))
    }

    // MARK: The model

    /// Writes the model as it is now into the output directory, in Hugging Face's layout, with the mask that was learned.
    func saveModel() throws {
        let directory = URL(fileURLWithPath: outputDirectory, isDirectory: true)
        var config = model.config
        if let search = model.search {
            config.attentionMasks = search.masks(in: model.parameters, named: model.evaluatedName)
            for (name, text) in config.maskFiles {
                try AtomicFile.write(Data(text.utf8), to: directory.appendingPathComponent(name))
            }
        }
        try BertCheckpoint.save(
            to: directory, config: config, architecture: task.architecture,
            parameters: model.specs.filter { !AttentionGates.isGate($0.name) }
        ) { spec, sink in
            try model.parameters.withBytes(model.evaluatedName(spec.name)) { bytes in
                try sink(bytes.bindMemory(to: Float.self))
            }
        }
        try source.tokenizer.save(to: outputDirectory)
    }

    /// Makes the saved model and the model in memory the same: the best one, or the last.
    func finishModel() throws {
        guard config.saveBest, let best = progress.bestStep else { return try saveModel() }
        guard best != progress.step else { return }
        let directory = URL(fileURLWithPath: outputDirectory, isDirectory: true)
        let checkpoint = try BertCheckpoint(directory: directory)
        for name in try checkpoint.report(for: model.specs).loaded {
            try model.parameters.set(model.evaluatedName(name)) {
                try checkpoint.copyFloats(of: name, into: $0)
            }
        }
        model.search?.set(checkpoint.config.attentionMasks, in: model.parameters, named: model.evaluatedName)
    }

    // MARK: Logs

    func openLogs() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: outputDirectory, withIntermediateDirectories: true)
        } catch {
            throw TrainingError(
                .unwritable, "cannot make the directory; check its parent", at: outputDirectory)
        }
        if config.csvLog { logs.append(try CSVLog(path: outputDirectory + "/log.csv", after: progress.step)) }
        if config.tensorBoard { logs.append(try TensorBoardLog(directory: outputDirectory + "/tensorboard")) }
    }

    /// Adds a row every `logEvery` steps and after the last one.
    /// - Parameter epochShare: how much of the current epoch is done.
    func log(epochShare: Double) throws {
        guard let lastStep, progress.step % config.logEvery == 0 || progress.step == plan.steps else {
            return
        }
        let row = window.row(endingWith: lastStep, epoch: Double(progress.epoch) + epochShare)
        for index in logs.indices { try logs[index].add(row) }
    }
}
