import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import TestSupport
import Testing
import Text

@testable import Training

/// Vectors of texts: runs, what they save, and what they refuse.
@Suite struct EmbeddingTaskTests {
    private static let fixtures = EmbeddingLossTests.fixtures

    /// A run in a directory of its own.
    static func config(_ output: TemporaryDirectory, steps: Int = 6) throws -> TrainingConfig {
        var config = TrainingConfig()
        config.directory = output.path
        config.task = .embedding
        config.model.path = fixtures.path + "/model"
        config.data.trainFile = fixtures.path + "/data.jsonl"
        (config.data.validationFile, config.data.testFile) = ("", "")
        config.data.textColumns = ["anchor", "positive"]
        config.loss.name = .multipleNegativesRanking
        config.batches.size = 8
        config.optimizer.maxSteps = steps
        config.optimizer.learningRate = 1e-3
        config.output.directory = "run"
        config.output.saveEvery = 0
        config.machine.threads = 2
        return config
    }

    @Test func theSavedDirectoryIsSentenceTransformers() throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, steps: 16)
        config.data.textColumns = ["anchor", "positive", "negative_1", "negative_2"]
        config.data.validationFile = config.data.trainFile
        let report = try trainModel(config)
        #expect(report.metric == .cosineAccuracy)
        let last = try #require(report.evaluations.last?.metrics)
        #expect(last.loss.isFinite && last.similarity?.retrieval != nil)

        let folder = output.url.appendingPathComponent("run")
        let saved = try #require(try SentenceModules(directory: folder))
        #expect(saved.modules.count == 2 && saved.prompts["query"] == "find " && saved.input.maxLength == 24)
        let names = try SafetensorsFile(folder.appendingPathComponent("model.safetensors")).entries.map(
            \.name)
        #expect(!names.contains { $0.contains("modules") || $0.contains("linear") })
        let dense = try tensors(folder.path + "/2_Dense/model.safetensors")
        #expect(dense["linear.weight"]?.count == 12 * 16 && dense["linear.bias"]?.count == 12)
        let before = try tensors(Self.fixtures.path + "/model/2_Dense/model.safetensors")
        #expect(dense["linear.weight"] != before["linear.weight"])

        // What was measured is what the saved directory gives.
        let pipeline = try EncoderPipeline(contentsOf: folder.path)
        let rows = try String(contentsOfFile: config.data.trainFile, encoding: .utf8).split(separator: "\n")
        let groups = try rows.map { row in
            let value = try JSONValue(parsing: Data(row.utf8))
            return try pipeline.embed(
                config.data.textColumns.map { TextPair(value[$0]?.string ?? "") })
        }
        #expect(VectorSimilarity.cosineAccuracy(groups) == report.bestValue)

        config.model.path = "run"
        config.output.directory = "more"
        config.optimizer.learningRate = 0
        _ = try trainModel(config)
        #expect(try output.data("run/model.safetensors") == output.data("more/model.safetensors"))
        #expect(
            try output.data("run/2_Dense/model.safetensors") == output.data("more/2_Dense/model.safetensors"))
    }

    /// A plain encoder gets a Pooling; pairs with scores are measured by Spearman's correlation.
    @Test func aPlainEncoderIsPooled() throws {
        let output = try TemporaryDirectory()
        for name in ["config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"] {
            try output.write(
                "plain/\(name)", Data(contentsOf: Self.fixtures.appendingPathComponent("model/\(name)")))
        }
        try output.write(
            "sts.tsv",
            "sentence1\tsentence2\tscore\nthe old king\tthe queen\t0.8\na bird\ta stone\t0.1\na house\tthe house\t1\n"
        )
        var config = try Self.config(output)
        config.model.path = "plain"
        config.data.textColumns = []
        config.loss.name = nil
        config.loss.pooling = .cls
        (config.data.trainFile, config.data.validationFile) = ("sts.tsv", "sts.tsv")
        let report = try trainModel(config)
        #expect(report.metric == .spearman && report.bestValue != nil)
        let saved = try #require(
            try SentenceModules(directory: output.url.appendingPathComponent("run")))
        #expect(saved.modules == [.pooling(.cls)])
    }

    /// A teacher that is the model itself: its vectors are those that there are.
    @Test(arguments: [LossName.mse, .marginMSE]) func aTeacherReplacesNumbers(loss: LossName) throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, steps: 1)
        config.loss.name = loss
        config.distillation.teacher = config.model.path
        if loss == .marginMSE { config.data.textColumns.append("negative_1") }
        let losses = try losses(config)
        #expect(losses.count == 1 && losses[0] < 1e-10)
    }

    @Test func layoutsAgree() throws {
        let output = try TemporaryDirectory()
        var config = try Self.config(output, steps: 3)
        let packed = try losses(config)
        for batching in [BatchingMode.fixed, .dynamic] {
            config.batches.mode = batching
            for (a, b) in zip(try losses(config), packed) { #expect(abs(a - b) <= 1e-5 * b) }
        }
    }

    /// Prompts are tokens before the text.
    @Test func promptsStandBeforeTexts() throws {
        let output = try TemporaryDirectory()
        try output.write("plain.tsv", "anchor\tpositive\nold king\tqueen\nbird\tred stone\n")
        try output.write("with.tsv", "anchor\tpositive\nthe old king\tqueen\nthe bird\tred stone\n")
        var config = try Self.config(output, steps: 1)
        config.data.textColumns = []
        config.data.trainFile = "with.tsv"
        let expected = try losses(config)
        config.data.trainFile = "plain.tsv"
        config.loss.prompts = .columns([ColumnPrompt("anchor", "the ")])
        #expect(try losses(config) == expected)
        config.loss.prompts = .columns([ColumnPrompt("query", "the ")])
        #expect(
            message { _ = try trainModel(config) }?.contains("has one for 'query', which is no column")
                == true)
    }

    /// What follows from the data is checked as what is written is.
    @Test func settingsFitTheLossThatTheDataChoose() throws {
        let output = try TemporaryDirectory()
        try output.write("pairs.tsv", "anchor\tpositive\nold king\tqueen\nbird\tred stone\n")
        var config = try Self.config(output, steps: 1)
        (config.data.textColumns, config.data.trainFile, config.loss.name) = ([], "pairs.tsv", nil)
        config.loss.margin = 3
        #expect(
            message { _ = try trainModel(config) }?.contains(
                #"'margin' has no effect with the loss "MultipleNegativesRankingLoss""#) == true)
        config.loss.margin = nil
        config.batches.size = 1
        #expect(message { _ = try trainModel(config) }?.contains("all batches have a single pair") == true)
    }

    @Test(arguments: [
        (#"{"model": "m", "loss": "CoSENTLoss"}"#, #"'loss' has no effect in the task "classification""#),
        (
            #"{"task": "embedding", "model": "m", "loss": "CosentLoss"}"#,
            #"expected one of "MultipleNegativesRankingLoss""#
        ),
        (#"{"task": "embedding", "model": "m", "pairColumn": "x"}"#, "'pairColumn' has no effect"),
        (
            #"{"task": "embedding", "model": "m", "loss": "CoSENTLoss", "margin": 1}"#,
            #"'margin' has no effect with the loss "CoSENTLoss""#
        ),
        (#"{"task": "embedding", "model": "m", "teacher": "t"}"#, "'teacher' needs 'loss'"),
        (
            #"{"task": "embedding", "model": "m", "matryoshkaDims": [4, 8], "matryoshkaWeights": [1]}"#,
            "has 1 numbers, but 'matryoshkaDims' has 2"
        ),
        (#"{"task": "embedding", "model": "m", "metric": "accuracy"}"#, "which needs labels"),
        (#"{"model": "m", "metric": "ndcg@10"}"#, #"which needs the task "embedding""#),
        (#"{"task": "embedding", "model": "m", "labelSmoothing": 0.1}"#, "'labelSmoothing' has no effect"),
    ])
    func configurationsThatCannotBe(text: String, problem: String) {
        let error = message { _ = try TrainingConfig(json: Data(text.utf8), file: "train.json") }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        ("a.txt", "text\n", LossName?.none, "has no columns; expected the texts of an example side by side"),
        ("a.tsv", "anchor\tpositive\nx\ty\n", .coSENT, "has no column of numbers"),
        (
            "a.tsv", "anchor\tpositive\tscore\nx\ty\thigh\n", .coSENT,
            "a.tsv:2: has no number in column 2 \"score\""
        ),
        (
            "a.tsv", "anchor\tpositive\tlabel\nx\ty\t2\n", .contrastive,
            "a.tsv:2: has the label 2.0; ContrastiveLoss needs 0 or 1"
        ),
        ("a.tsv", "anchor\tpositive\nx\ty\n", .triplet, "needs 3 texts in an example, but"),
        ("a.jsonl", "{\"anchor\": \"x\", \"positive\": 3}\n", nil, "a.jsonl:1: has no text in \"positive\""),
        (
            "a.jsonl",
            "{\"anchor\": \"x\", \"positive\": \"y\", \"negative\": \"z\", \"score\": [1, 2, 3]}\n",
            .marginMSE,
            "a.jsonl:1: has 3 numbers for 1 negative; expected 1 differences, or 2 scores"
        ),
    ])
    func badDataNameFileAndLine(name: String, text: String, loss: LossName?, problem: String) throws {
        let output = try TemporaryDirectory()
        try output.write(name, text)
        var config = try Self.config(output)
        config.data.textColumns = []
        (config.data.trainFile, config.loss.name) = (name, loss)
        let error = message { _ = try trainModel(config) }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        ("query\tanswer\tid\na\tb\t1\n", ["query", "answer"], false),
        (
            "negative_2\tnegative_1\tpositive\tanchor\na\tb\tc\td\n",
            ["anchor", "positive", "negative_1", "negative_2"], false
        ),
        ("sentence1\tsentence2\tscore\na\tb\t0.5\n", ["sentence1", "sentence2"], true),
        ("first\tsecond\tlabel\na b\tc d\t1\ne f\tg h\t0\n", ["first", "second"], true),
        ("one text\tanother text\t0.5\na third\ta fourth\t1\n", ["0", "1"], true),
        ("one text\tanother text\ta third\n", ["0", "1", "2"], false),
    ])
    func columnsAreFoundByTheirNames(text: String, columns: [String], isScored: Bool) throws {
        let output = try TemporaryDirectory()
        try output.write("a.tsv", text)
        let data = try GroupedDataset(contentsOf: output.path + "/a.tsv")
        #expect(data.columns == columns && (data.numbers != nil) == isScored)
    }
}
