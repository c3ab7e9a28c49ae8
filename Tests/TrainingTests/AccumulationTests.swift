import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Text
import Training

/// Steps over several micro-batches against steps over the large batch.
@Suite struct AccumulationTests {
    static let lengths = [12, 3, 40, 1, 7, 33, 20, 5]

    /// The tiny classifier with its weights.
    static func model(
        dropout: Double, accumulates: Bool,
        _ options: OptimizerOptions = OptimizerOptions(maxGradientNorm: 1),
        precision: Precision = .fp32
    ) throws -> TrainableModel {
        let checkpoint = try EncoderCheckpoint(directory: Repository.fixtures.appendingPathComponent("tiny"))
        var config = checkpoint.config
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (
            dropout, dropout, dropout
        )
        let model = try TrainableModel(
            ModelGraphs(config, .classification(labels: 3)), options: options,
            compiler: Compiler(CompilerOptions(precision: precision)), accumulates: accumulates)
        for spec in model.specs {
            try model.parameters.set(
                spec.name, TensorData(try checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        return model
    }

    /// Examples as the micro-batches of one step.
    static func inputs(_ microBatches: [[Int]]) throws -> [StepInputs] {
        let encodings = BatchingModeTests.encodings(lengths: lengths)
        let batcher = try Batcher(
            encodings, options: BatchingOptions(mode: .packed, batchSize: 8, maxLength: 48))
        return microBatches.map { indices in
            StepInputs(
                batcher.layOut(indices), targets: TensorData(indices.map { Int32($0 % 3) }),
                stepSequences: microBatches.reduce(0) { $0 + $1.count })
        }
    }

    static func parameters(_ model: TrainableModel) throws -> [Float] {
        try model.specs.flatMap { try model.parameters.get($0.name)?.floats ?? [] }
    }

    @Test(arguments: [[[0, 1, 2, 3, 4, 5, 6, 7]], [[0, 1, 2], [3], [4, 5, 6, 7]], (0..<8).map { [$0] }])
    func microBatchesAreTheLargeBatch(_ microBatches: [[Int]]) throws {
        let whole = try Self.model(dropout: 0, accumulates: false)
        let split = try Self.model(dropout: 0, accumulates: true)
        for step in 0..<3 {
            let expected = try whole.step(step, Self.inputs([Array(0..<8)]), learningRate: 1e-4, seed: 1)
            let result = try split.step(step, Self.inputs(microBatches), learningRate: 1e-4, seed: 1)
            #expect(abs(result.loss - expected.loss) <= 2e-5 * expected.loss)
            #expect(abs(result.gradientNorm - expected.gradientNorm) <= 1e-3 * expected.gradientNorm)
        }
        // A gradient that is zero but for rounding moves its parameter by anything up to the rate.
        let worst = zip(try Self.parameters(whole), try Self.parameters(split)).map { abs($0 - $1) }.sorted()
        #expect(worst[worst.count * 98 / 100] <= 1e-5)
        #expect(worst[worst.count - 1] <= 6.3e-4)
    }

    @Test func microBatchesHaveMasksOfTheirOwn() throws {
        let split = try Self.model(dropout: 0.5, accumulates: true)
        let losses = try [[[2]], [[2], [2]]].map { microBatches in
            try split.step(0, Self.inputs(microBatches), learningRate: 0, seed: 1).loss
        }
        #expect(losses[0] != losses[1])
    }

    static func config(_ output: TemporaryDirectory, steps: Int = 6) -> TrainingConfig {
        var config = smallConfig(output, steps: steps)
        (config.model.hiddenDropout, config.model.attentionDropout, config.model.classifierDropout) = (
            0, 0, 0
        )
        return config
    }

    /// Of one seed, four batches of two are a batch of eight.
    @Test func accumulatedRunsAreLargeBatchRuns() throws {
        var config = Self.config(try TemporaryDirectory())
        let large = try losses(config)
        config.batches.size = 2
        config.batches.gradientAccumulation = 4
        let accumulated = try losses(config)
        #expect(accumulated.count == 6)
        for (a, b) in zip(accumulated, large) { #expect(abs(a - b) <= 1e-4 * b) }
    }

    /// A step at the end of an epoch has the batches that are left.
    @Test func epochsEndWithSmallerSteps() throws {
        let output = try ResumeTests.output()
        var config = ResumeTests.config(output)
        (config.optimizer.maxSteps, config.optimizer.epochs, config.batches.gradientAccumulation) = (
            nil, 1, 3
        )
        var sequences: [Int] = []
        let report = try trainModel(config) {
            if case .step(let step) = $0 { sequences.append(step.sequences) }
        }
        // 60 examples in 8 batches.
        #expect(sequences == [24, 24, 12] && report.steps == 3)
        #expect(report.epochs[0].batches == 8 && report.epochs[0].sequences == 60)
    }

    /// Stopped between micro-batches, after a step, and once more after the resume; with every technique on.
    @Test(arguments: [[1], [5], [3], [4, 1]])
    func resumingInAStepGivesTheSameBits(_ stops: [Int]) throws {
        func config(_ output: TemporaryDirectory) -> TrainingConfig {
            var config = ResumeTests.config(output)
            config.optimizer.maxSteps = 5
            config.batches.gradientAccumulation = 3
            config.optimizer.kind = .lamb
            config.optimizer.layerwiseLearningRateDecay = 0.8
            config.optimizer.ema = 0.9
            return config
        }
        let (whole, parts) = (try ResumeTests.output(), try ResumeTests.output())
        _ = try trainModel(config(whole))
        var config = config(parts)
        for stop in stops {
            var asked = 0
            let report = try trainModel(config) { _ in
            } shouldStop: {
                asked += 1
                return asked == stop
            }
            #expect(report.end == .interrupted)
            let checkpoint = "run/checkpoints/step-\(report.steps)/"
            let names = try tensors(parts.path + "/" + checkpoint + "optimizer.safetensors").keys
            #expect(names.contains { $0.hasSuffix(".grad") } == (stop % 3 != 0))
            config.output.resume = "latest"
        }
        config.machine.threads = 1
        _ = try trainModel(config)
        for file in [
            "checkpoints/step-5/model.safetensors", "checkpoints/step-5/optimizer.safetensors",
            "checkpoints/step-5/state.json", "model.safetensors",
        ] {
            #expect(try whole.data("run/" + file) == parts.data("run/" + file), "\(file)")
        }
    }
}
