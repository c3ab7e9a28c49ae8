import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import TestSupport
import Testing

@testable import Training

/// Fifty steps of AdamW with each loss next to sentence-transformers' (`Fixtures/embedding/make.py`).
@Suite struct EmbeddingLossTests {
    static let fixtures = Bundle.module.bundleURL.appendingPathComponent("Fixtures/embedding")

    /// The fields of a loss and its values in double precision.
    struct Curve {
        let fields: JSONObject
        let losses: [Double]

        static func all() throws -> [Curve] {
            let file = fixtures.appendingPathComponent("losses.json")
            let value = try JSONValue(parsing: Data(contentsOf: file))
            return (value.array ?? []).map { curve in
                Curve(
                    fields: curve["fields"]?.object ?? [:],
                    losses: curve["losses"]?.array?.compactMap(\.double) ?? [])
            }
        }
    }

    static func config(_ fields: JSONObject) throws -> TrainingConfig {
        var config = TrainingConfig()
        config.directory = fixtures.path
        config.task = .embedding
        config.model.path = "model"
        config.data.trainFile = "data.jsonl"
        (config.data.validationFile, config.data.testFile) = ("", "")
        config.batches.size = 8
        config.optimizer.learningRate = 1e-3
        config.optimizer.maxSteps = 50
        config.optimizer.warmupSteps = 5
        config.machine.threads = 2
        for (name, value) in fields.members { try config.set(name, value) }
        try config.validate()
        return config
    }

    static func model(_ config: TrainingConfig) throws -> (EmbeddingTask, TrainableModel) {
        let source = try ModelSource(config)
        let task = try EmbeddingTask(config, source)
        let compiler = try Compiler(CompilerOptions(threads: 2))
        let blueprint = try TrainingBlueprint(config, source, task, compiler: compiler)
        return (task, try blueprint.model(accumulates: false, MemoryRequest()).0)
    }

    @Test(arguments: 0..<16) func fiftyStepsFollowSentenceTransformers(index: Int) throws {
        let curves = try Curve.all()
        #expect(curves.count == 16)
        let curve = curves[index]
        let config = try Self.config(curve.fields)
        let (task, model) = try Self.model(config)
        let schedule = LearningRateSchedule(shape: .linear, peak: 1e-3, warmupSteps: 5, steps: 50)
        var worst = 0.0
        for (step, right) in curve.losses.enumerated() {
            let rows = (0..<8).map { (step * 8 + $0) % 64 }
            let inputs = try task.step([[rows]], epoch: 0).inputs.map(model.readInputs)
            let loss = try model.training.step(inputs, rate: schedule.rate(at: step)).loss
            worst = max(worst, abs(loss - right) / abs(right))
        }
        print("\(curve.fields["loss"] ?? .null): largest relative difference of 50 losses \(worst)")
        #expect(curve.losses.count == 50 && worst < 1e-5, "\(curve.fields)")
    }
}
