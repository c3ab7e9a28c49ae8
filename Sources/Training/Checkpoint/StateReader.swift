import Encoders
import Foundation
import GraphCompiler
import Support

/// Takes the members out of a `state.json`. Whatever number is in the file, what comes out can be reckoned with.
struct StateReader {
    let object: JSONObject
    private let file: String
    /// The greatest count of steps or epochs that a configuration can ask for.
    private static let most = Int(Int32.max)
    /// The greatest sum of tokens; less than what overflows when a step is added.
    private static let mostTokens = 1 << 53

    init(_ text: Data, file: String) throws {
        self.file = file
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            throw CheckpointDamage("is damaged: \(error)", at: file)
        }
        guard let object = value.object else {
            throw CheckpointDamage("is damaged: not a JSON object", at: file)
        }
        self.object = object
    }

    func damaged(_ problem: String) -> CheckpointDamage {
        CheckpointDamage("is damaged: \(problem)", at: file)
    }

    func field<Value: ConfigValue>(_ name: String) throws -> Value {
        guard let value = object[name], let result = Value(json: value) else {
            throw damaged("'\(name)' is not \(Value.expectation)")
        }
        return result
    }

    /// A member that checkpoints of earlier versions lack.
    func optional<Value: ConfigValue>(_ name: String) throws -> Value? {
        object[name] == nil ? nil : try field(name)
    }

    /// A count, or `nil` for null or a member that is not there.
    func count(_ name: String, from least: Int) throws -> Int? {
        guard let value: Int = try optional(name) else { return nil }
        guard (least...Self.most).contains(value) else { throw outside(name, least...Self.most) }
        return value
    }

    private func count(_ name: String, through most: Int = most) throws -> Int {
        let value: Int = try field(name)
        guard (0...most).contains(value) else { throw outside(name, 0...most) }
        return value
    }

    private func outside(_ name: String, _ range: ClosedRange<Int>) -> CheckpointDamage {
        damaged("'\(name)' is not an integer from \(range.lowerBound) to \(range.upperBound)")
    }

    private func number(_ name: String) throws -> Double {
        let value: Double = try field(name)
        guard value.isFinite else { throw damaged("'\(name)' is not a finite number") }
        return value
    }

    func position() throws -> TrainingPosition {
        var position = TrainingPosition()
        position.step = try count("step")
        position.microBatch = try count("micro_batch")
        position.partialLoss = try number("partial_loss")
        position.scaler.scale = try number("loss_scale")
        guard Float(position.scaler.scale).isNormal, position.scaler.scale > 0 else {
            throw damaged("'loss_scale' is not a positive number of f32")
        }
        position.scaler.steps = try count("steps_at_loss_scale", through: LossScaler.growthInterval - 1)
        position.scaler.skipped = try count("skipped_steps", through: position.step)
        return position
    }

    /// - Parameter step: steps done.
    func progress(after step: Int) throws -> TrainingProgress {
        var progress = TrainingProgress()
        progress.epoch = try count("epoch")
        progress.batch = try count("batch", through: step)
        progress.totals = EpochTotals(
            sequences: try count("sequences", through: Self.mostTokens),
            realTokens: try count("real_tokens", through: Self.mostTokens),
            paddedTokens: try count("padded_tokens", through: Self.mostTokens), loss: try number("loss_sum"))
        if object["logged_steps"] != nil {
            progress.window = TrainingLogWindow(
                losses: try number("logged_loss_sum"),
                steps: try count("logged_steps", through: step))
        }
        progress.best = try best(after: step)
        if object["evaluated_step"] != .null {
            progress.evaluatedStep = try count("evaluated_step", through: step)
        }
        progress.evaluationsWithoutBest = try count("evaluations_without_best")
        return progress
    }

    private func best(after steps: Int) throws -> BestEvaluation? {
        guard object["best_step"] != .null else { return nil }
        let step = try count("best_step", through: steps)
        let value = object["best_value"] == .null ? nil : try number("best_value")
        // Earlier versions did not keep it; of equal values the earlier evaluation was the best then.
        let loss = object["best_loss"]?.isNull ?? true ? -.infinity : try number("best_loss")
        return BestEvaluation(step: step, value: value, loss: loss)
    }
}
