import Encoders
import Foundation
import GraphCompiler
import Pipelines
import TestSupport
import Testing
import Text
import Training

/// Labels for words: a tiny fresh model on sentences whose words decide their labels.
@Suite struct TokenTaskTests {
    private static let names: [(words: [String], type: String)] = [
        (["Anna"], "PER"), (["Anna", "Karenina"], "PER"), (["Paris"], "LOC"), (["New", "York"], "LOC"),
        (["York"], "LOC"),
    ]
    private static let others = ["sees", "the", "old", "house", "in", "and", "loves", "."]

    /// Sentences of three words and more, in CoNLL's layout with a column that has no use.
    static func sentences(_ range: Range<Int>) -> String {
        range.map { index in
            var lines: [String] = []
            for place in 0..<(3 + index % 6) {
                let draw = index * 7 + place * 5 + index * place
                if draw % 3 == 0 {
                    let name = names[draw % names.count]
                    lines += zip(name.words, "BI").map { "\($0) NN \($1)-\(name.type)" }
                } else {
                    lines.append("\(others[draw % others.count]) XX O")
                }
            }
            return lines.joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }

    static func output() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try directory.write(
            "model.json",
            """
            {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 64, "max_position_embeddings": 48, "norm_position": "post"}
            """)
        let pieces = ["an", "##na", "kar", "##en", "##ina", "paris", "new", "york"] + others
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + pieces
        try directory.write("vocab.txt", tokens.joined(separator: "\n") + "\n")
        try directory.write("train.conll", "-DOCSTART- -X- O\n\n" + sentences(0..<48))
        try directory.write("valid.conll", sentences(48..<64))
        return directory
    }

    static func config(_ output: TemporaryDirectory) -> TrainingConfig {
        var config = TrainingConfig()
        config.directory = output.path
        config.task = .tokenClassification
        config.model.path = "model.json"
        config.data.trainFile = "train.conll"
        config.data.validationFile = "valid.conll"
        config.data.testFile = "valid.conll"
        config.output.directory = "run"
        config.batches.size = 8
        config.optimizer.epochs = 16
        config.optimizer.learningRate = 5e-3
        config.output.saveEvery = 0
        config.machine.threads = 2
        return config
    }

    @Test func itLearnsAndIsSaved() throws {
        let output = try Self.output()
        let report = try trainModel(Self.config(output))
        #expect(report.metric == .f1 && report.bestValue == 1)
        let test = try #require(report.test)
        #expect(test.f1 == 1 && test.value(.precision) == 1 && test.value(.recall) == 1)
        // An entity may begin with "I-": the model of the first F1 of 1 is kept, whatever its accuracy.
        #expect(try #require(test.accuracy) > 0.9)
        let header = String(decoding: try output.data("run/log.csv"), as: UTF8.self).prefix { $0 != "\n" }
        #expect(header.contains("validation_f1") && header.contains("validation_recall"))

        let saved = try EncoderCheckpoint(directory: output.url.appendingPathComponent("run"))
        #expect(saved.config.architectures == ["BertForTokenClassification"])
        let labels = ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
        #expect(saved.config.labels == labels && saved.config.problemType == nil)
        let stored = try tensors(output.path + "/run/model.safetensors")
        #expect(stored["classifier.weight"]?.count == 5 * 32 && stored["classifier.bias"]?.count == 5)
        #expect(!stored.keys.contains { $0.contains("pooler") })

        let pipeline = try EncoderPipeline(contentsOf: output.path + "/run")
        #expect(pipeline.head == .tokenClassification(labels: 5) && pipeline.labels == labels)
        #expect(try pipeline.evaluate(contentsOf: output.path + "/valid.conll") == test)
        let words = ["the", "house", "and", "Anna", "Karenina", "."]
        let answers = try pipeline.classify(words: [words, []])
        #expect(answers.map(\.count) == [6, 0] && answers[0][3].label == "B-PER")
        let error = message { _ = try pipeline.classify(["a text"]) }
        #expect(error?.contains("is a token classifier and cannot classify texts") == true)
    }

    /// A token classifier is trained further with its head, and fine-tuned for texts without.
    @Test func theSavedModelIsTrainedFurther() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.optimizer.maxSteps = 2
        _ = try trainModel(config)
        config.model.path = "run"
        config.output.directory = "more"
        config.optimizer.learningRate = 0
        var loaded: LoadReport?
        _ = try trainModel(config) { if case .started(let summary) = $0 { loaded = summary.loaded } }
        #expect(loaded?.missing == [] && loaded?.unexpected == [])
        #expect(try output.data("run/model.safetensors") == output.data("more/model.safetensors"))

        try output.write("texts.txt", "the house\nthe old house\n")
        try output.write("texts_labels.txt", "O\nB-PER\n")
        config.task = .classification
        config.data.trainFile = "texts.txt"
        (config.data.validationFile, config.data.testFile) = ("", "")
        config.output.directory = "texts"
        _ = try trainModel(config) { if case .started(let summary) = $0 { loaded = summary.loaded } }
        #expect(loaded?.missing.map(\.name).sorted() == ["pooler.dense.bias", "pooler.dense.weight"])
        #expect(loaded?.replaced.map(\.name).sorted() == ["classifier.bias", "classifier.weight"])
    }

    /// Sentences have from three to thirteen words, so that equal weights of micro-batches would be wrong.
    @Test(arguments: [BatchingMode.packed, .dynamic])
    func accumulatedRunsAreLargeBatchRuns(_ batching: BatchingMode) throws {
        let output = try Self.output()
        defer { withExtendedLifetime(output) {} }
        var config = Self.config(output)
        (config.model.hiddenDropout, config.model.attentionDropout) = (0, 0)
        config.batches.mode = batching
        config.optimizer.maxSteps = 8
        config.optimizer.learningRate = 1e-3
        config.optimizer.labelSmoothing = 0.1
        let large = try losses(config)
        (config.batches.size, config.batches.gradientAccumulation) = (2, 4)
        let accumulated = try losses(config)
        #expect(large.count == 8 && accumulated.count == 8)
        for (a, b) in zip(accumulated, large) { #expect(abs(a - b) <= 1e-4 * b) }
    }

    /// All layouts of a batch give the same loss: positions of padded batches count padding.
    @Test func layoutsAgree() throws {
        let output = try Self.output()
        defer { withExtendedLifetime(output) {} }
        var config = Self.config(output)
        (config.model.hiddenDropout, config.model.attentionDropout) = (0, 0)
        config.optimizer.maxSteps = 3
        let packed = try losses(config)
        for batching in [BatchingMode.fixed, .dynamic] {
            config.batches.mode = batching
            for (a, b) in zip(try losses(config), packed) { #expect(abs(a - b) <= 1e-4 * b) }
        }
    }

    @Test func longSentencesAreCut() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.data.maxLength = 4
        config.optimizer.maxSteps = 1
        let report = try trainModel(config)
        // Two pieces of each of 16 sentences: from one to two words.
        let count = try #require(report.test?.count)
        #expect(count >= 16 && count <= 32)
        let pipeline = try EncoderPipeline(
            contentsOf: output.path + "/run", options: EncoderPipeline.Options(maxLength: 4))
        #expect(try pipeline.evaluate(contentsOf: output.path + "/valid.conll").count == count)
        #expect(pipeline.truncatedCount == 16)
        #expect(try pipeline.classify(words: [["Anna", "sees", "Paris"]])[0].count == 3)
    }

    @Test(arguments: [
        (
            #"{"task": "token_classification", "model": "m", "pairColumn": "text"}"#,
            #"'pairColumn' has no effect in the task "token_classification", which reads words with a label each"#
        ),
        (
            #"{"task": "token_classification", "model": "m", "truncation": "only_first"}"#,
            #"'truncation' has no effect in the task "token_classification""#
        ),
        (
            #"{"task": "token_classification", "model": "m", "metric": "pearson"}"#,
            #"'metric' is "pearson", which needs numbers; expected "loss", "accuracy", "f1", "macro_f1", "matthews", "#
                + #""precision" or "recall""#
        ),
        (#"{"model": "m", "metric": "recall"}"#, #"which needs the task "token_classification""#),
    ])
    func configurationsThatCannotBe(text: String, problem: String) {
        let error = message { _ = try TrainingConfig(json: Data(text.utf8), file: "train.json") }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }

    @Test func badDataNameFileAndLine() throws {
        let output = try Self.output()
        let config = Self.config(output)
        try output.write("valid.conll", "Anna NN B-PER\nsees O\n")
        #expect(
            message { _ = try trainModel(config) }?.contains("valid.conll:2: has 2 columns; expected 3")
                == true)
        try output.write("valid.conll", "Anna NN B-PER\nsees VB V\n")
        #expect(
            message { _ = try trainModel(config) }?.contains("valid.conll:2: unknown label \"V\"") == true)
        try output.write("train.conll", "the XX O\n")
        #expect(
            message { _ = try trainModel(config) }?.contains("all examples have the label \"O\"") == true)
    }
}
