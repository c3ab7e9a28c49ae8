import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support

extension Trainer {
    /// The checkpoint that the configuration names; `nil` for a new start.
    static func checkpoint(
        _ config: TrainingConfig, note: (String) -> Void
    ) throws -> TrainingCheckpoint? {
        switch config.output.resume {
        case nil: return nil
        case "latest"?: return try TrainingCheckpoint.latest(in: checkpoints(config), note: note)
        case let path?:
            return try TrainingCheckpoint(
                directory: URL(file: config.resolve(path), isDirectory: true))
        }
    }

    /// Changes when what the model computes does, or what its outputs are called.
    static func fingerprint(_ config: EncoderConfig) throws -> String {
        var config = config
        // Which program saved it, and the like.
        config.unknownKeys = JSONObject()
        return Fingerprint(of: String(decoding: try config.json(), as: UTF8.self)).text
    }

    /// Goes back to the checkpoint to go on from, if there is one.
    /// - Returns: what to know about it.
    func restore() throws -> [String] {
        guard let checkpoint = resumed else { return [] }
        let (directory, saved) = (checkpoint.directory, checkpoint.state)
        try saved.check(against: state, at: directory.path)
        try checkPosition(saved, at: directory.path)
        let isOwn =
            directory.deletingLastPathComponent().standardizedFileURL
            == Self.checkpoints(config).standardizedFileURL
        if isOwn { kept = saved.kept }
        // Before the checkpoint's parameters: those of the best model take the same place for a moment.
        let (best, notes) = try settleBest(saved, isOwn: isOwn)
        try checkpoint.restore(model)
        model.training.position = saved.position
        progress = saved.progress
        if isOwn { loggedStep = position.step }
        if best != progress.best { progress.evaluationsWithoutBest = 0 }
        progress.best = best
        return notes + [rateNote(saved)].compactMap(\.self)
    }

    /// Refuses a position that this run does not come to.
    private func checkPosition(_ saved: CheckpointState, at path: String) throws {
        let (position, progress) = (saved.position, saved.progress)
        guard position.step <= plan.steps else {
            throw ModelError(
                .invalidCheckpoint,
                "was saved after \(Formatted.count(position.step, "step")), but this run has \(plan.steps); raise epochs or "
                    + "maxSteps, or choose an earlier checkpoint", at: path)
        }
        if position.microBatch > 0, saved.microBatchSize != setup.microBatchSize {
            throw ModelError(
                .invalidCheckpoint,
                "was made in the middle of a step, but its micro-batches do not fit into maxMemory any more; raise it, or "
                    + "choose an earlier checkpoint", at: path)
        }
        guard position.step < plan.steps else { return }
        func damaged(_ problem: String) -> ModelError {
            ModelError(
                .invalidCheckpoint, "is damaged: \(problem); choose another checkpoint or start over",
                at: path)
        }
        guard progress.epoch < plan.epochs else {
            throw damaged(
                "it was saved after \(Formatted.count(progress.epoch, "epoch")), but this run has \(plan.epochs)"
            )
        }
        let steps = try steps(ofEpoch: progress.epoch)
        guard progress.batch < steps.count else {
            throw damaged(
                "it was saved after \(Formatted.count(progress.batch, "step")) of epoch \(progress.epoch + 1), which has \(steps.count)"
            )
        }
        // Other epochs may have other numbers of steps.
        guard
            plan.variesByEpoch
                || position.step == progress.epoch * steps.count + progress.batch
        else { throw damaged("it was not saved after \(Formatted.count(position.step, "step"))") }
        guard position.microBatch == 0 || position.microBatch < steps[progress.batch].joined().count else {
            throw damaged(
                "it was saved in the middle of a step, after \(Formatted.count(position.microBatch, "micro-batch", "micro-batches"))"
            )
        }
    }

    /// The best evaluation so far, measured as this run does it, and what to say about that.
    private func settleBest(
        _ saved: CheckpointState, isOwn: Bool
    ) throws -> (best: BestEvaluation?, notes: [String]) {
        guard let best = saved.progress.best else { return (nil, []) }
        func anew(_ reason: String) -> (BestEvaluation?, [String]) {
            (
                nil,
                ["\(reason): the search for the best evaluation starts over at step \(saved.position.step)"]
            )
        }
        guard let validation = task.validationFingerprint else {
            return (nil, ["there are no validation data any more: the model of the last step is saved"])
        }
        // The best model of another run's directory cannot be saved at the end of this one.
        guard isOwn else { return anew("the best model so far is in the directory of another run") }
        let hasModel = FileManager.default.fileExists(atPath: outputDirectory + "/" + weightsFile)
        if config.evaluation.saveBest, !hasModel || saved.measure.isSaved == false {
            return anew("the best model so far was not saved")
        }
        let changes = [
            saved.measure.metric == metric
                ? nil
                : "metric is \(metric.rawValue), but was \(saved.measure.metric?.rawValue ?? "unknown")",
            saved.measure.validation == validation ? nil : "the validation data differ",
        ].compactMap(\.self)
        guard !changes.isEmpty else { return (best, []) }
        let reason = changes.joined(separator: ", and ")
        guard config.evaluation.saveBest else { return anew(reason) }
        try loadSavedModel()
        guard let metrics = try metrics(.validation) else { return anew(reason) }
        let again = BestEvaluation(
            step: best.step, value: metrics.defined(metric), loss: metrics.loss)
        let value = again.value.map { Formatted.number($0, digits: 4) } ?? "undefined"
        return (
            again,
            ["\(reason): the best model so far, after step \(best.step), has \(metric.rawValue) \(value)"]
        )
    }

    /// What to say when the run got another length, and with it other learning rates than the steps before had.
    private func rateNote(_ saved: CheckpointState) -> String? {
        guard let steps = saved.steps, steps != plan.steps, plan.schedules.count == 1,
            position.step < plan.steps
        else { return nil }
        let before = LearningRateSchedule(config, steps: steps).rate(at: position.step)
        let now = plan.rate(at: position.step)
        guard before != now else { return nil }
        return
            "the run of the checkpoint had \(Formatted.count(steps, "step")), this one has \(plan.steps): step \(position.step + 1) has "
            + "a learning rate of \(Float(now)) instead of \(Float(before))"
    }
}
