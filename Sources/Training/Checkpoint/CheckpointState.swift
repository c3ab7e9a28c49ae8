import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support

/// What `state.json` of a checkpoint holds.
struct CheckpointState {
    var position: TrainingPosition
    var progress: TrainingProgress
    /// The fields of the configuration that decide the result, as `train.json` spells them.
    let settings: JSONObject
    /// Fingerprint of the tokenised training data.
    let data: String
    /// What the best evaluation was measured with.
    var measure: EvaluationMeasure
    /// Steps of the whole run, which decide its learning rates.
    var steps: Int?
    /// Fingerprint of the model's configuration.
    var model: String?
    /// Sequences of a micro-batch at most, which decide how sums of gradients are rounded; `nil` for whole batches.
    var microBatchSize: Int?
    /// Processes that the run began with: each step has as many batches for each that `gradientAccumulation` of train.json says.
    var processes = 1
    /// Checkpoints of this run that are on disk, as directory names; others in the directory are of an older run.
    var kept: [String] = []

    init(
        _ position: TrainingPosition, _ progress: TrainingProgress, config: TrainingConfig, data: String,
        measure: EvaluationMeasure
    ) {
        self.position = position
        self.progress = progress
        let fields = TrainingConfig.fields.filter { $0.effect == .parameters }
        settings = JSONObject(fields.map { ($0.name, $0.json(config)) })
        self.data = data
        self.measure = measure
    }

    var json: JSONValue {
        let totals = progress.totals
        return .object([
            "version": .integer(2), "step": .integer(position.step), "steps": steps.json,
            "epoch": .integer(progress.epoch),
            "batch": .integer(progress.batch), "sequences": .integer(totals.sequences),
            "real_tokens": .integer(totals.realTokens), "padded_tokens": .integer(totals.paddedTokens),
            "loss_sum": .double(totals.loss), "micro_batch": .integer(position.microBatch),
            "micro_batch_size": microBatchSize.json, "partial_loss": .double(position.partialLoss),
            "loss_scale": .double(position.scaler.scale),
            "steps_at_loss_scale": .integer(position.scaler.steps),
            "skipped_steps": .integer(position.scaler.skipped),
            "logged_loss_sum": .double(progress.window.losses),
            "logged_steps": .integer(progress.window.steps),
            "metric": measure.metric.json, "validation": measure.validation.json,
            "save_best": measure.isSaved.json,
            "best_value": (progress.best?.value).json, "best_loss": (progress.best?.loss).json,
            "best_step": (progress.best?.step).json, "evaluated_step": progress.evaluatedStep.json,
            "evaluations_without_best": .integer(progress.evaluationsWithoutBest),
            "settings": .object(settings), "data": .string(data), "model": model.json,
            "processes": .integer(processes), "kept": kept.json,
        ])
    }

    /// - Throws: `CheckpointDamage` for a file that is damaged or of another version, `ModelError` for one that is
    ///   missing.
    init(contentsOf url: URL) throws {
        guard let text = FileManager.default.contents(atPath: url.path) else {
            throw ModelError(
                .missingFile, "no such file; expected a checkpoint's directory, such as checkpoints/step-100",
                at: url.path)
        }
        let reader = try StateReader(text, file: url.path)
        guard try reader.field("version") == 2 else {
            throw CheckpointDamage("was written by another version of bertc", at: url.path)
        }
        guard case .object(let settings)? = reader.object["settings"] else {
            throw reader.damaged("it has no 'settings'")
        }
        self.settings = settings
        data = try reader.field("data")
        kept = try reader.field("kept")
        model = try reader.optional("model")
        steps = try reader.count("steps", from: 1)
        microBatchSize = try reader.count("micro_batch_size", from: 1)
        processes = try reader.count("processes", from: 1) ?? 1
        measure = EvaluationMeasure(
            metric: try reader.optional("metric"), validation: try reader.optional("validation"),
            isSaved: try reader.optional("save_best"))
        position = try reader.position()
        progress = try reader.progress(after: position.step)
    }

    /// Refuses to go on with other settings, another model or other data than those of the checkpoint.
    ///
    /// - Throws: `ModelError` naming the first field that differs, with both values.
    func check(against other: CheckpointState, at path: String) throws {
        // A field that an earlier version did not have was as it is by default.
        let usual = TrainingConfig()
        for field in TrainingConfig.fields where field.effect == .parameters {
            let saved = settings[field.name] ?? field.json(usual)
            let wanted = other.settings[field.name] ?? .null
            guard saved != wanted else { continue }
            throw ModelError(
                .invalidCheckpoint,
                "was made with '\(field.name)' \(saved), but it is \(wanted) now; "
                    + "set it back, or start over with \"resume\": null", at: path)
        }
        guard data == other.data else {
            throw ModelError(
                .invalidCheckpoint,
                "was made with different training data; restore them, or start over with \"resume\": null",
                at: path)
        }
        guard model == nil || model == other.model else {
            throw ModelError(
                .invalidCheckpoint,
                "was made with a different model configuration or different label names; restore them, or start over "
                    + "with \"resume\": null", at: path)
        }
    }
}

/// What the value of an evaluation depends on, beside the model.
struct EvaluationMeasure: Equatable {
    /// The metric that decides which evaluation is the best. Each is `nil` in checkpoints of earlier versions.
    var metric: Metric?
    /// Fingerprint of the validation data; "" without any.
    var validation: String?
    /// Whether the output directory has the model of the best evaluation.
    var isSaved: Bool?
}

/// Why a checkpoint cannot be gone on from: a file of it is not what was written.
struct CheckpointDamage: Error {
    let problem: String
    let place: String

    init(_ problem: String, at place: String) { (self.problem, self.place) = (problem, place) }
}
