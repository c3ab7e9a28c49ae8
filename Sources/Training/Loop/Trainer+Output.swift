import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support

extension Trainer {
    static func checkpoints(_ config: TrainingConfig) -> URL {
        URL(file: config.resolve(config.output.directory), isDirectory: true)
            .appendingPathComponent("checkpoints")
    }

    private var checkpoints: URL { Self.checkpoints(config) }

    /// The directory name of a checkpoint made now.
    var checkpointName: String { "step-\(position.step)" }

    // MARK: Checkpoints

    /// The state of a checkpoint made now.
    var state: CheckpointState {
        var state = CheckpointState(
            position, progress, config: config, data: task.fingerprint,
            measure: EvaluationMeasure(
                metric: metric, validation: task.validationFingerprint ?? "",
                isSaved: config.evaluation.saveBest))
        state.steps = plan.steps
        state.model = modelFingerprint
        state.microBatchSize = setup.microBatchSize
        state.processes = processes
        state.kept = kept
        return state
    }

    /// Saves a checkpoint; then removes those that are too many, and those of older runs in the directory.
    func saveCheckpoint() throws {
        let states = model.training.stateNames(withSums: position.microBatch > 0)
        // Scaled sums may overflow: the step is skipped then.
        try checkFinite(
            model.specs.map(\.name)
                + states.filter {
                    !model.training.options.optimizer.scalesLoss || !TrainingNames.isGradientSum($0)
                })
        kept.removeAll { $0 == checkpointName }
        kept = (kept + [checkpointName]).suffix(config.output.keepCheckpoints)
        try TrainingCheckpoint.save(model, state: state, in: checkpoints, by: group)
        guard writesFiles else { return }
        TrainingCheckpoint.prune(in: checkpoints, keeping: Set(kept))
        try observer(
            .checkpoint(path: "\(outputDirectory)/checkpoints/\(checkpointName)", step: position.step))
    }

    /// Keeps numbers that are not finite from being saved over good ones, and finite ones that a model can do nothing with:
    /// it is run on an example.
    private func checkFinite(_ names: [String]) throws {
        func failure(_ problem: String) -> ModelError {
            let saved = kept.last { $0 != checkpointName }
            return ModelError(
                .failedStep,
                "\(problem) after the update; nothing was saved"
                    + (saved.map { ", and checkpoints/\($0) stays" } ?? "")
                    + "; \(precisionAdvice)lower learningRate",
                at: "step \(position.step) (epoch \(lastStep?.epoch ?? progress.epoch + 1))")
        }
        if let name = model.parameters.firstNotFinite(of: names) {
            throw failure("parameter '\(name)' holds NaN or infinity")
        }
        do {
            try task.probe(model)
        } catch let error as ExecutionError {
            throw failure("\(error)")
        }
    }

    // MARK: The model

    /// Parameters that the encoder's file of a saved model holds.
    private var savedSpecs: [ParameterSpec] {
        let modules = task.sentences?.moduleParameters ?? []
        return model.savedSpecs.filter { $0.role != .gate && !modules.contains($0.name) }
    }

    /// The file with the weights of a saved model.
    var weightsFile: String {
        model.adapter == nil ? "model.safetensors" : AdapterCheckpoint.weightsFile
    }

    /// Writes the model as it is now into the output directory, in Hugging Face's layout, with the mask that was learned.
    func saveModel() throws {
        try checkFinite(model.specs.map { model.training.evaluatedName($0.name) })
        guard writesFiles else { return }
        let directory = URL(file: outputDirectory, isDirectory: true)
        var config = model.config
        if let search = model.search {
            config.attentionMasks = search.masks(in: model.parameters, named: model.training.evaluatedName)
            for (name, text) in config.maskFiles {
                try AtomicFile.write(Data(text.utf8), to: directory.appendingPathComponent(name))
            }
        }
        func provide(
            _ spec: ParameterSpec, _ sink: (UnsafeBufferPointer<Float>) throws -> Void
        ) throws {
            try model.parameters.withBytes(model.training.evaluatedName(spec.name)) { bytes in
                try sink(bytes.bindMemory(to: Float.self))
            }
        }
        if let adapter = model.adapter {
            try AdapterCheckpoint.save(
                to: directory, adapter, config: config,
                base: URL(file: source.directory ?? source.path, isDirectory: true).standardizedFileURL.path,
                parameters: savedSpecs, provide: provide)
        } else {
            try EncoderCheckpoint.save(
                to: directory, config: config, architecture: task.architecture, parameters: savedSpecs,
                provide: provide)
        }
        removeOtherModel(in: directory)
        try source.tokenizer.save(to: outputDirectory)
        try task.sentences?.layout.save(to: directory) { name in
            try model.parameters.get(model.training.evaluatedName(name))?.floats ?? []
        }
    }

    /// Removes what an older run of the other kind left, a whole model or an adapter, which would be taken for this one.
    private func removeOtherModel(in directory: URL) {
        let others =
            model.adapter == nil
            ? [AdapterCheckpoint.configFile, AdapterCheckpoint.weightsFile] : ["model.safetensors"]
        for name in others { try? FileManager.default.removeItem(at: directory.appendingPathComponent(name)) }
    }

    /// Makes the saved model and the model in memory the same: the best one, or the last.
    func finishModel() throws {
        guard config.evaluation.saveBest, let best = progress.best else { return try saveModel() }
        guard best.step != position.step else { return }
        try group?.barrier()
        try loadSavedModel()
    }

    /// Puts the parameters of the model in the output directory where evaluations read them.
    func loadSavedModel() throws {
        let directory = URL(file: outputDirectory, isDirectory: true)
        let checkpoint = try savedCheckpoint(in: directory)
        let loaded = try checkpoint.report(for: savedSpecs).loaded
        guard loaded.count == savedSpecs.count else {
            throw ModelError(
                .invalidModel, "is not the model that this run saved as its best one; start over",
                at: outputDirectory)
        }
        for name in loaded {
            try model.parameters.set(model.training.evaluatedName(name)) {
                try checkpoint.copyFloats(of: name, into: $0)
            }
        }
        if let sentences = task.sentences {
            let names = sentences.moduleParameters
            let encoder =
                model.adapter == nil ? nil : source.directory.map { URL(file: $0, isDirectory: true) }
            try SentenceModules(directory: directory, encoder: encoder)?.loadParameters { spec, values in
                guard names.contains(spec.name) else { return }
                try model.parameters.set(
                    model.training.evaluatedName(spec.name), try TensorData(values, shape: spec.shape))
            }
        }
        model.search?.set(
            checkpoint.config.attentionMasks, in: model.parameters, named: model.training.evaluatedName)
    }

    private func savedCheckpoint(in directory: URL) throws -> EncoderCheckpoint {
        guard model.adapter != nil else { return try EncoderCheckpoint(directory: directory) }
        let base = URL(file: source.directory ?? source.path, isDirectory: true)
        return try EncoderCheckpoint(
            directory: base,
            adapter: AdapterCheckpoint(directory: directory, base: source.config, isMerged: false))
    }

    // MARK: Logs

    func openLogs() throws {
        guard writesFiles else { return }
        if config.output.csvLog {
            logs.append(try CSVLog(path: outputDirectory + "/log.csv", after: loggedStep))
        }
        guard config.output.tensorBoard else { return }
        logs.append(try TensorBoardLog(directory: outputDirectory + "/tensorboard", after: loggedStep))
    }

    /// Adds a row every `logEvery` steps and after the last one.
    /// - Parameter epochShare: how much of the current epoch is done.
    func log(epochShare: Double) throws {
        guard let lastStep, position.step % config.output.logEvery == 0 || position.step == plan.steps else {
            return
        }
        let row = progress.window.row(endingWith: lastStep, epoch: Double(progress.epoch) + epochShare)
        for index in logs.indices { try logs[index].add(row) }
    }
}
