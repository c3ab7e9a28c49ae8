import BERT
import Foundation
import Support

/// What `state.json` of a checkpoint holds.
struct CheckpointState {
    var progress: TrainingProgress
    /// The fields of the configuration that decide the result, as `train.json` spells them.
    let settings: JSONObject
    /// Fingerprint of the tokenised training data.
    let data: String
    /// Sequences of a micro-batch at most, which decide how sums of gradients are rounded; `nil` for whole batches.
    var microBatchSize: Int?
    /// Checkpoints of this run that are on disk, as directory names; others in the directory are of an older run.
    var kept: [String] = []

    init(progress: TrainingProgress, config: TrainingConfig, data: String, microBatchSize: Int?) {
        self.microBatchSize = microBatchSize
        self.progress = progress
        let fields = TrainingConfig.fields.filter(\.shapesResult)
        settings = JSONObject(fields.map { ($0.name, $0.json(config)) })
        self.data = data
    }

    var json: JSONValue {
        let totals = progress.totals
        return .object([
            "version": .integer(2), "step": .integer(progress.step), "epoch": .integer(progress.epoch),
            "batch": .integer(progress.batch), "sequences": .integer(totals.sequences),
            "real_tokens": .integer(totals.realTokens), "padded_tokens": .integer(totals.paddedTokens),
            "loss_sum": .double(totals.loss), "micro_batch": .integer(progress.microBatch),
            "micro_batch_size": microBatchSize.json, "partial_loss": .double(progress.partialLoss),
            "loss_scale": .double(progress.scaler.scale),
            "steps_at_loss_scale": .integer(progress.scaler.steps),
            "skipped_steps": .integer(progress.scaler.skipped),
            "best_value": progress.bestValue.json,
            "best_step": progress.bestStep.json, "evaluated_step": progress.evaluatedStep.json,
            "evaluations_without_best": .integer(progress.evaluationsWithoutBest),
            "settings": .object(settings), "data": .string(data), "kept": kept.json,
        ])
    }

    /// - Throws: `TrainingError` for a file that is missing, damaged or of another version.
    init(contentsOf url: URL) throws {
        func invalid(_ problem: String) -> TrainingError {
            TrainingError(
                .invalidCheckpoint, "\(problem); choose another checkpoint or start anew", at: url.path)
        }
        guard let text = FileManager.default.contents(atPath: url.path) else {
            throw TrainingError(
                .missingFile, "no such file; expected a checkpoint's directory, such as checkpoints/step-100",
                at: url.path)
        }
        guard case .object(let object)? = try? JSONValue(parsing: text) else {
            throw invalid("is damaged: not a JSON object")
        }
        func field<Value: ConfigValue>(_ name: String) throws -> Value {
            guard let value = object[name], let result = Value(json: value) else {
                throw invalid("is damaged: '\(name)' is not \(Value.expectation)")
            }
            return result
        }
        guard try field("version") == 2 else { throw invalid("is of another version of bertc") }
        guard case .object(let settings)? = object["settings"] else {
            throw invalid("is damaged: it has no 'settings'")
        }
        self.settings = settings
        data = try field("data")
        kept = try field("kept")
        microBatchSize = try field("micro_batch_size")
        progress = TrainingProgress()
        progress.step = try field("step")
        progress.epoch = try field("epoch")
        progress.batch = try field("batch")
        progress.microBatch = try field("micro_batch")
        progress.partialLoss = try field("partial_loss")
        progress.scaler.scale = try field("loss_scale")
        progress.scaler.steps = try field("steps_at_loss_scale")
        progress.scaler.skipped = try field("skipped_steps")
        progress.totals = EpochTotals(
            sequences: try field("sequences"), realTokens: try field("real_tokens"),
            paddedTokens: try field("padded_tokens"), loss: try field("loss_sum"))
        progress.bestValue = try field("best_value")
        progress.bestStep = try field("best_step")
        progress.evaluatedStep = try field("evaluated_step")
        progress.evaluationsWithoutBest = try field("evaluations_without_best")
    }

    /// Refuses to go on with other settings or other data than those of the checkpoint.
    ///
    /// - Throws: `TrainingError` naming the first field that differs, with both values.
    func check(against other: CheckpointState, at path: String) throws {
        for field in TrainingConfig.fields where field.shapesResult {
            let (saved, wanted) = (settings[field.name] ?? .null, other.settings[field.name] ?? .null)
            guard saved != wanted else { continue }
            throw TrainingError(
                .invalidCheckpoint,
                "was made with '\(field.name)' \(saved), but it is \(wanted) now; "
                    + "set it back, or start anew with \"resume\": null", at: path)
        }
        guard data == other.data else {
            throw TrainingError(
                .invalidCheckpoint,
                "was made with other training data; restore them, or start anew with \"resume\": null",
                at: path)
        }
    }
}
