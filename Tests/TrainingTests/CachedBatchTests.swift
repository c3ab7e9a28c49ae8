import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing

@testable import Training

/// Batches whose loss compares all examples, computed in pieces: `miniBatchSize` and `maxMemory`.
@Suite struct CachedBatchTests {
    /// Losses and gradient norms of a run's steps.
    private static func steps(_ config: TrainingConfig) throws -> [StepReport] {
        var steps: [StepReport] = []
        _ = try trainModel(config) { if case .step(let step) = $0 { steps.append(step) } }
        return steps
    }

    private static func config(_ output: TemporaryDirectory, loss: LossName) throws -> TrainingConfig {
        var config = try EmbeddingTaskTests.config(output, steps: 2)
        config.loss.name = loss
        config.batches.size = 16
        if loss == .multipleNegativesRanking { config.data.textColumns.append("negative_1") }
        if loss == .onlineContrastive { config.data.labelColumn = "label" }
        return config
    }

    @Test(arguments: [
        (LossName.multipleNegativesRanking, 3), (.coSENT, 1), (.onlineContrastive, 1), (.cosineSimilarity, 1),
    ])
    func piecesHaveTheGradientsOfTheWhole(loss: LossName, accumulation: Int) throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, loss: loss)
        config.batches.gradientAccumulation = accumulation
        config.loss.matryoshkaDims = loss == .coSENT ? [12, 5] : []
        let whole = try Self.steps(config)
        config.batches.miniBatchSize = 5
        let pieces = try Self.steps(config)
        #expect(whole.count == 2 && pieces.count == 2)
        for (a, b) in zip(pieces, whole) {
            #expect(abs(a.loss - b.loss) <= 1e-5 * b.loss)
            #expect(abs(a.gradientNorm - b.gradientNorm) <= 1e-5 * b.gradientNorm)
            #expect(a.sequences == b.sequences)
        }
    }

    /// One piece has the dropout of the whole batch, in both of its passes.
    @Test func dropoutIsReplayed() throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, loss: .multipleNegativesRanking)
        (config.model.hiddenDropout, config.model.attentionDropout) = (0.2, 0.1)
        let whole = try Self.steps(config)
        config.batches.miniBatchSize = 16
        for (a, b) in zip(try Self.steps(config), whole) {
            #expect(abs(a.loss - b.loss) <= 1e-5 * b.loss)
            #expect(abs(a.gradientNorm - b.gradientNorm) <= 1e-5 * b.gradientNorm)
        }
    }

    /// A run that is stopped between two pieces of a batch goes on to the same bits, with another number of threads.
    @Test(arguments: [3, 5]) func resumingInABatchGivesTheSameBits(stop: Int) throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, loss: .multipleNegativesRanking)
        (config.model.hiddenDropout, config.model.attentionDropout) = (0.2, 0.1)
        (config.batches.miniBatchSize, config.batches.gradientAccumulation) = (6, 2)
        config.optimizer.maxSteps = 2
        config.output.saveEvery = 2
        config.output.directory = "whole"
        _ = try trainModel(config)
        config.output.directory = "cut"
        var asked = 0
        let report = try trainModel(
            config,
            shouldStop: {
                asked += 1
                return asked == stop
            })
        #expect(report.end == .interrupted)
        config.output.resume = "latest"
        config.machine.threads = 1
        #expect(try trainModel(config).end == .finished)
        #expect(try output.data("whole/model.safetensors") == output.data("cut/model.safetensors"))
        #expect(
            try output.data("whole/2_Dense/model.safetensors") == output.data("cut/2_Dense/model.safetensors")
        )
    }

    /// `maxMemory` cuts such batches as well.
    @Test func memoryIsKept() throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, loss: .multipleNegativesRanking)
        try output.write(
            "model.json",
            """
            {"vocab_size": 40, "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 2,
             "intermediate_size": 512, "max_position_embeddings": 48, "norm_position": "post"}
            """)
        config.model.path = "model.json"
        config.model.tokenizer = EmbeddingLossTests.fixtures.path + "/model/vocab.txt"
        (config.model.hiddenDropout, config.model.attentionDropout) = (0, 0)
        config.batches.size = 64
        config.optimizer.maxSteps = 1
        let whole = try Self.steps(config)
        var summary: TrainingSummary?
        _ = try trainModel(config) { if case .started(let started) = $0 { summary = started } }
        let planned = try #require(summary?.memory)
        config.machine.maxMemory = MemorySize(byteCount: planned.total - planned.arena / 2)
        _ = try trainModel(config) { if case .started(let started) = $0 { summary = started } }
        #expect(summary?.microBatchSize != nil)
        let pieces = try Self.steps(config)
        #expect(abs(pieces[0].loss - whole[0].loss) <= 1e-5 * whole[0].loss)
    }
}
