import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import TestSupport
import Testing
import Text

@testable import Training

/// Cross-encoders: losses next to sentence-transformers' (`Fixtures/embedding/make_reranking.py`), runs, and what they refuse.
@Suite struct RerankingTests {
    private static let fixtures = EmbeddingLossTests.fixtures

    private static func config(_ fields: JSONObject, _ output: TemporaryDirectory? = nil) throws
        -> TrainingConfig
    {
        var config = TrainingConfig()
        config.directory = fixtures.path
        config.task = .reranking
        config.model.path = "cross"
        (config.data.validationFile, config.data.testFile) = ("", "")
        config.data.maxLength = 32
        config.batches.size = 8
        config.optimizer.learningRate = 1e-3
        config.optimizer.maxSteps = 50
        config.machine.threads = 2
        config.output.saveEvery = 0
        if let output { config.output.directory = output.path + "/run" }
        for (name, value) in fields.members { try config.set(name, value) }
        try config.validate()
        return config
    }

    @Test(arguments: 0..<4) func fiftyStepsFollowSentenceTransformers(index: Int) throws {
        let file = Self.fixtures.appendingPathComponent("reranking.json")
        let curve = try #require(try JSONValue(parsing: Data(contentsOf: file)).array?[index])
        let losses = curve["losses"]?.array?.compactMap(\.double) ?? []
        let config = try Self.config(curve["fields"]?.object ?? [:])
        let source = try ModelSource(config)
        let task = try RerankingTask(config, source)
        let blueprint = try TrainingBlueprint(
            config, source, task, compiler: Compiler(CompilerOptions(threads: 2)))
        let model = try blueprint.model(accumulates: false, MemoryRequest()).0
        let schedule = LearningRateSchedule(shape: .linear, peak: 1e-3, warmupSteps: 5, steps: 50)
        var worst = 0.0
        for (step, right) in losses.enumerated() {
            let rows = (0..<8).map { (step * 8 + $0) % task.exampleCount }
            let inputs = try task.step([[rows]], epoch: 0).inputs.map(model.readInputs)
            let loss = try model.training.step(inputs, rate: schedule.rate(at: step)).loss
            worst = max(worst, abs(loss - right) / right)
        }
        print("\(curve["fields"]?["loss"] ?? .null): largest relative difference of 50 losses \(worst)")
        #expect(losses.count == 50 && worst < 1e-5)
    }

    @Test func aListIsRanked() throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(
            ["loss": .string("ListNetLoss"), "trainFile": .string("lists.jsonl")], output)
        (config.optimizer.maxSteps, config.optimizer.learningRate) = (40, 3e-3)
        config.data.validationFile = "lists.jsonl"
        let report = try trainModel(config)
        #expect(report.metric == .ndcgAt10)
        let (first, last) = (try #require(report.evaluations.first), try #require(report.evaluations.last))
        #expect(last.metrics.loss < first.metrics.loss && last.metrics.spearman != nil)

        let pipeline = try EncoderPipeline(contentsOf: config.output.directory)
        #expect(
            pipeline.head == .regression && pipeline.config.architectures == ["BertForSequenceClassification"]
        )
        let documents = ["the old king", "a bird under the tree", "never"]
        let ranked = try pipeline.rank(documents, for: "red stone")
        let scores = try pipeline.score(documents.map { TextPair("red stone", pair: $0) })
        #expect(ranked.map(\.score) == scores.sorted(by: >) && scores.allSatisfy { (0...1).contains($0) })
        #expect(ranked.map { scores[$0.index] } == ranked.map(\.score))

        // The saved model is measured as the run measured it.
        var options = GroupedDataset.Options()
        options.allowsLists = true
        let lists = try GroupedDataset(contentsOf: Self.fixtures.path + "/lists.jsonl", options: options)
        let again = try pipeline.evaluateRanking(lists)
        #expect(pipeline.isCrossEncoder && again.value(.ndcgAt10) == report.bestValue)
    }

    @Test(arguments: [
        ("MarginMSELoss", ["anchor", "positive", "negative_1"]), ("ListNetLoss", ["query", "docs"]),
    ])
    func accumulatedRunsAreLargeBatchRuns(loss: String, columns: [String]) throws {
        let output = try TemporaryDirectory()
        let file = columns[0] == "query" ? "lists.jsonl" : "data.jsonl"
        var config = try Self.config(
            [
                "loss": .string(loss), "trainFile": .string(file),
                "textColumns": .array(columns.map(JSONValue.string)),
                "labelColumn": .string(columns[0] == "query" ? "labels" : "margin"),
            ], output)
        config.optimizer.maxSteps = 3
        let whole = try losses(config)
        config.batches.miniBatchSize = 3
        for (a, b) in zip(try losses(config), whole) { #expect(abs(a - b) <= 1e-5 * b) }
    }

    @Test(arguments: [
        (
            #"{"task": "reranking", "model": "m", "loss": "CoSENTLoss"}"#,
            "which the task \"reranking\" does not have"
        ),
        (
            #"{"task": "embedding", "model": "m", "loss": "ListNetLoss"}"#,
            "which the task \"embedding\" does not have"
        ),
        (
            #"{"task": "reranking", "model": "m", "loss": "CrossEntropyLoss"}"#,
            "pairs with classes are the task \"classification\""
        ),
        (
            #"{"task": "embedding", "model": "m", "loss": "CachedMultipleNegativesRankingLoss"}"#,
            "use \"MultipleNegativesRankingLoss\" with 'miniBatchSize'"
        ),
        (
            #"{"task": "embedding", "model": "m", "loss": "multiple_negatives_ranking"}"#,
            "did you mean \"MultipleNegativesRankingLoss\"?"
        ),
        (#"{"task": "reranking", "model": "m", "scale": 3}"#, "'scale' has no effect"),
        (
            #"{"task": "reranking", "model": "m", "metric": "cosine_accuracy"}"#,
            "which needs the task \"embedding\""
        ),
    ])
    func configurationsThatCannotBe(text: String, problem: String) {
        let error = message { _ = try TrainingConfig(json: Data(text.utf8), file: "train.json") }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        ("query\tpassage\tlabel\na\tb\t2\n", "BinaryCrossEntropyLoss", "a.tsv:2: has the label 2.0"),
        (
            "query\tpassage\na\tb\n", "BinaryCrossEntropyLoss",
            "a.tsv:2: has 0 numbers for 1 document; expected one each"
        ),
        (
            "query\tpassage\tlabel\na\tb\t1\n", "MarginMSELoss",
            "needs as many documents for each query, at least two"
        ),
    ])
    func badDataNameFileAndLine(text: String, loss: String, problem: String) throws {
        let output = try TemporaryDirectory()
        try output.write("a.tsv", text)
        var config = try Self.config(["loss": .string(loss)], output)
        config.data.trainFile = output.path + "/a.tsv"
        let error = message { _ = try trainModel(config) }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }
}
