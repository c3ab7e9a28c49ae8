import Encoders
import Foundation
import GraphCompiler
import Support
import TestSupport
import Testing
import Text
import Training

/// The same examples in any layout give the same loss, gradients and update.
@Suite struct BatchingModeTests {
    /// Loss, gradient norm and all parameters after one step on the given examples.
    static func step(
        _ mode: BatchingMode, _ encodings: [Encoding], labels: [Int32]
    ) throws -> (loss: Double, norm: Double, parameters: [Float]) {
        let directory = Repository.fixtures.appendingPathComponent("tiny")
        let checkpoint = try EncoderCheckpoint(directory: directory)
        let model = try TrainableModel(
            ModelGraphs(checkpoint.config, .classification(labels: 3)),
            options: OptimizerOptions(maxGradientNorm: 1),
            compiler: Compiler())
        for spec in model.specs {
            try model.parameters.set(
                spec.name, TensorData(try checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        let batcher = try Batcher(
            encodings, options: BatchingOptions(mode: mode, batchSize: encodings.count, maxLength: 48))
        let result = try model.step(
            0, [StepInputs(batcher.layOut(Array(encodings.indices)), targets: TensorData(labels))],
            learningRate: 1e-3, seed: 1)
        let parameters = try model.specs.flatMap { try model.parameters.get($0.name)?.floats ?? [] }
        return (result.loss, result.gradientNorm, parameters)
    }

    static func encodings(lengths: [Int]) -> [Encoding] {
        var generator = SplitMix64(seed: 5)
        return lengths.map { count in
            Encoding(
                ids: (0..<count).map { _ in Int32(generator.next() % 190) + 5 },
                typeIDs: (0..<count).map { $0 < count / 2 ? 0 : 1 })
        }
    }

    static func expectSame(_ lengths: [Int], _ modes: [BatchingMode]) throws {
        let encodings = encodings(lengths: lengths)
        let labels = lengths.indices.map { Int32($0 % 3) }
        let packed = try step(.packed, encodings, labels: labels)
        for mode in modes {
            let other = try step(mode, encodings, labels: labels)
            #expect(abs(other.loss - packed.loss) <= 1e-5 * packed.loss, "\(mode)")
            #expect(abs(other.norm - packed.norm) <= 1e-5 * packed.norm, "\(mode)")
            // A gradient that is zero but for rounding moves its parameter by anything up to the rate.
            let worst = zip(other.parameters, packed.parameters).map { abs($0 - $1) }.sorted()
            #expect(worst[worst.count * 99 / 100] <= 1e-5, "\(mode)")
            #expect(worst[worst.count - 1] <= 2.1e-3, "\(mode)")
        }
    }

    @Test func mixedLengths() throws {
        try Self.expectSame([12, 3, 40, 1, 7, 33, 20, 5], [.fixed, .dynamic])
    }

    @Test func equalLengths() throws {
        try Self.expectSame([9, 9, 9, 9, 9], [.fixed, .dynamic, .uniform])
    }

    /// All four train: the same run in each mode reaches a like loss, and each epoch's report says what was padded.
    @Test(arguments: BatchingMode.allCases)
    func wholeRuns(mode: BatchingMode) throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output)
        config.optimizer.maxSteps = nil
        config.optimizer.epochs = 1
        config.batches.mode = mode
        config.data.maxLength = 32
        config.model.hiddenDropout = 0
        config.model.attentionDropout = 0
        let report = try trainModel(config)
        let epoch = try #require(report.epochs.first)
        #expect(epoch.sequences == 1500 && epoch.realTokens > 30_000)
        switch mode {
        case .fixed: #expect(epoch.realTokens + epoch.paddedTokens == 1500 * 32)
        case .dynamic: #expect(epoch.paddedShare > 0 && epoch.paddedShare < 0.5)
        case .uniform, .packed: #expect(epoch.paddedTokens == 0)
        }
        #expect(epoch.loss < 0.71)
    }
}
