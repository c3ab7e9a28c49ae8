import Encoders
import Foundation
import GraphCompiler
import Pipelines
import TestSupport
import Testing
import Training

@Suite struct TrainModelTests {
    /// The demo path without a download: the example configuration, from fresh parameters to a tested model.
    @Test func theSmallExampleLearns() throws {
        let output = try TemporaryDirectory()
        let example = Repository.root.appendingPathComponent("Examples/small/train.json").path
        var config = try TrainingConfig(contentsOf: example)
        config.output.directory = output.path + "/run"
        config.output.resume = nil
        config.optimizer.epochs = 10
        // 200 test sentences and few steps: one seed says little.
        let reports = try [1, 2, 3].map { seed in
            config.seed = seed
            return try trainModel(config)
        }
        let tests = try reports.map { try #require($0.test) }
        #expect(tests.reduce(0) { $0 + $1.accuracy! } / 3 > 0.72)
        let report = reports[2]
        let test = tests[2]
        #expect(report.end == .finished && report.epochs.count == 10)
        #expect(report.epochs.last!.loss < 0.6 * report.epochs[0].loss)
        #expect(report.bestValue == report.evaluations.compactMap(\.value).max())

        // What was saved is the best model, with its labels and tokeniser.
        let pipeline = try EncoderPipeline(contentsOf: report.modelDirectory)
        #expect(pipeline.labels == ["negative", "positive"])
        let again = try pipeline.evaluate(contentsOf: Repository.small + "/test.txt")
        #expect(again == test)
        let valid = try pipeline.evaluate(contentsOf: Repository.small + "/valid.txt")
        #expect(valid.accuracy == report.bestValue)
    }

    @Test(arguments: [Precision.fp32, .bf16]) func threadsDoNotChangeTheResult(_ precision: Precision) throws
    {
        let models = try [1, 2, 3, 2].map { threads in
            let output = try TemporaryDirectory()
            var config = smallConfig(output)
            config.machine.threads = threads
            config.machine.precision = precision
            _ = try trainModel(config)
            return try output.data("run/model.safetensors")
        }
        #expect(models.allSatisfy { $0 == models[0] })
    }

    /// The same data, order and dropout in bf16: losses stay near those of fp32.
    @Test func bf16FollowsFP32() throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output, steps: 60)
        let exact = try losses(config)
        config.machine.precision = .bf16
        let low = try losses(config)
        #expect(low != exact)
        for (a, b) in zip(exact, low) { #expect(abs(a - b) < 0.05 * max(1, a)) }
        let (first, last) = (low.prefix(10).reduce(0, +), low.suffix(10).reduce(0, +))
        #expect(last < first)
    }

    @Test func theSeedDecidesEverything() throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output)
        let first = try losses(config)
        #expect(try losses(config) == first)
        config.seed = 43
        #expect(try losses(config) != first)
    }

    @Test func frozenParametersStay() throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output, steps: 1)
        config.optimizer.learningRate = 0
        _ = try trainModel(config)
        let before = try tensors(output.path + "/run/model.safetensors")
        config.optimizer.learningRate = 1e-2
        config.optimizer.maxSteps = 3
        config.model.freeze = ["embeddings.*", "encoder.layer.0.*"]
        var summary: TrainingSummary?
        _ = try trainModel(config) { if case .started(let started) = $0 { summary = started } }
        let after = try tensors(output.path + "/run/model.safetensors")
        let frozen = before.keys.filter { $0.contains("embeddings.") || $0.contains("encoder.layer.0.") }
        #expect(before.allSatisfy { name, values in (after[name] == values) == frozen.contains(name) })
        let count = frozen.reduce(0) { $0 + before[$1]!.count }
        #expect(summary.map { $0.parameterCount - $0.trainedCount } == count)

        config.model.freeze = ["encoder.layer.9.*"]
        #expect(message { _ = try trainModel(config) }?.contains("'freeze' has the pattern") == true)
    }

    @Test func stopsEarlyAndKeepsTheBest() throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output, steps: 50)
        config.data.validationFile = Repository.small + "/valid.txt"
        config.evaluation.every = 2
        config.evaluation.earlyStopping = 3
        config.optimizer.learningRate = 0
        let report = try trainModel(config)
        // Nothing changes, so that the first evaluation stays the best.
        #expect(report.end == .stoppedEarly && report.steps == 8 && report.bestStep == 2)
        #expect(report.evaluations.map(\.isBest) == [true, false, false, false])
    }

    @Test func regressionLearnsNumbers() throws {
        let output = try TemporaryDirectory()
        let texts = try String(contentsOfFile: Repository.small + "/train.txt", encoding: .utf8)
        let rows = texts.split(separator: "\n").prefix(400).map { text in
            #"{"score": \#(Double(text.count) / 100), "text": "\#(text)"}"#
        }
        try output.write("train.jsonl", rows.prefix(320).joined(separator: "\n"))
        try output.write("valid.jsonl", rows.dropFirst(320).joined(separator: "\n"))
        var config = smallConfig(output)
        config.task = .regression
        config.data.trainFile = "train.jsonl"
        config.data.validationFile = "valid.jsonl"
        config.evaluation.metric = .pearson
        config.optimizer.maxSteps = nil
        config.optimizer.epochs = 8
        let report = try trainModel(config)
        #expect(report.bestValue! > 0.8)
        let pipeline = try EncoderPipeline(contentsOf: report.modelDirectory)
        #expect(pipeline.head == .regression)
        let again = try pipeline.evaluate(contentsOf: output.path + "/valid.jsonl")
        #expect(abs(again.pearson! - report.bestValue!) < 1e-9)
    }

    @Test func aClassifierIsTrainedFurther() throws {
        let (first, second) = (try TemporaryDirectory(), try TemporaryDirectory())
        _ = try trainModel(smallConfig(first, steps: 3))
        var config = smallConfig(second, steps: 1)
        config.model.path = first.path + "/run"
        config.optimizer.learningRate = 0
        var loaded: LoadReport?
        _ = try trainModel(config) { if case .started(let summary) = $0 { loaded = summary.loaded } }
        #expect(loaded?.missing == [] && loaded?.unexpected == [])
        #expect(try first.data("run/model.safetensors") == second.data("run/model.safetensors"))

        // Other labels: the encoder stays, the classifier is fresh.
        let labels = try String(contentsOfFile: Repository.small + "/train_labels.txt", encoding: .utf8)
        let texts = try String(contentsOfFile: Repository.small + "/train.txt", encoding: .utf8)
        try second.write("other.txt", texts)
        try second.write("other_labels.txt", labels.replacingOccurrences(of: "positive", with: "great"))
        config.data.trainFile = "other.txt"
        _ = try trainModel(config) { if case .started(let summary) = $0 { loaded = summary.loaded } }
        #expect(loaded?.replaced.map(\.name).sorted() == ["classifier.bias", "classifier.weight"])
        #expect(
            loaded?.missing == [] && loaded?.description.contains("2 in the checkpoint for other") == true)
        #expect(try EncoderPipeline(contentsOf: second.path + "/run").labels == ["great", "negative"])
    }
}
