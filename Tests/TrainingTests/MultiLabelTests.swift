import Encoders
import Foundation
import Pipelines
import TestSupport
import Testing
import Text
import Training

/// Any number of labels for each text: a tiny fresh model on sentences whose words name their labels.
@Suite struct MultiLabelTests {
    private static let labels = ["blue", "green", "red"]

    /// Texts with each subset of the labels, several times.
    private static func examples() -> [(text: String, labels: [String])] {
        (0..<64).map { index in
            let chosen = labels.indices.filter { index & (1 << $0) != 0 }.map { labels[$0] }
            let others = ["sky", "leaf", "rose"].prefix(index % 4)
            return ((chosen + others + ["is"]).joined(separator: " "), chosen)
        }
    }

    private static func output() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try directory.write(
            "model.json",
            """
            {"vocab_size": 20, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 64, "max_position_embeddings": 16, "norm_position": "post"}
            """)
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + labels + ["sky", "leaf", "rose", "is"]
        try directory.write("vocab.txt", words.joined(separator: "\n") + "\n")
        func json(_ list: [String]) -> String { "[" + list.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        let lines = examples().map { "{\"text\": \"\($0.text)\", \"labels\": \(json($0.labels))}" }
        try directory.write("train.jsonl", lines.joined(separator: "\n") + "\n")
        let rows = examples().map { "\($0.text)\t\($0.labels.joined(separator: "|"))" }
        try directory.write("valid.tsv", "text\tlabels\n" + rows.joined(separator: "\n") + "\n")
        return directory
    }

    private static func config(_ output: TemporaryDirectory) -> TrainingConfig {
        var config = TrainingConfig()
        config.directory = output.path
        config.task = .multiLabelClassification
        config.model.path = "model.json"
        config.data.trainFile = "train.jsonl"
        config.data.validationFile = "valid.tsv"
        config.data.labelSeparator = "|"
        config.output.directory = "run"
        config.batches.size = 16
        config.optimizer.epochs = 60
        config.model.hiddenDropout = 0
        config.optimizer.learningRate = 5e-3
        config.output.saveEvery = 0
        config.machine.threads = 2
        return config
    }

    @Test func itLearnsAndIsSaved() throws {
        let output = try Self.output()
        let report = try trainModel(Self.config(output))
        #expect(report.metric == .microF1 && report.bestValue == 1)
        let saved = try EncoderCheckpoint(directory: output.url.appendingPathComponent("run"))
        #expect(saved.config.architectures == ["BertForSequenceClassification"])
        #expect(saved.config.problemType == .multiLabel && saved.config.labels == Self.labels)

        let pipeline = try EncoderPipeline(contentsOf: output.path + "/run")
        #expect(pipeline.head == .multiLabelClassification(labels: 3) && pipeline.labels == Self.labels)
        let metrics = try pipeline.evaluate(contentsOf: output.path + "/train.jsonl")
        #expect(metrics.value(.microF1) == 1 && metrics.value(.accuracy) == 1 && metrics.count == 64)
        let probabilities = try pipeline.labelProbabilities(["blue red sky is", "is"])
        #expect(probabilities[0].map { $0 > 0.5 } == [true, false, true])
        #expect(probabilities[1].allSatisfy { $0 < 0.5 })
        #expect(throws: ModelError.self) { try pipeline.classify(["red"]) }
    }

    @Test(arguments: [
        (#"{"text": "red", "labels": null}"#, "t.jsonl:1: the labels are not there or null"),
        (#"{"text": "red", "labels": [["red"]]}"#, "t.jsonl:1: a label is an array"),
    ])
    func whatIsNoSetOfLabels(_ line: String, _ problem: String) throws {
        let output = try Self.output()
        try output.write("t.jsonl", line + "\n" + #"{"text": "blue", "labels": ["blue"]}"# + "\n")
        var config = Self.config(output)
        config.data.trainFile = "t.jsonl"
        let found = message { _ = try trainModel(config) }
        #expect(found?.contains(problem) == true, "\(found ?? "no error")")
    }

    /// A list of JSON within a cell, blanks around labels, and no label.
    @Test func textsWithSeparators() throws {
        let directory = try TemporaryDirectory()
        try directory.write("t.tsv", "text\tlabels\na\tx, y\nb\t\nc\t[1, \"z\"]\n")
        let dataset = try TextDataset.load(
            path: directory.path + "/t.tsv", options: TextDataset.Options(labels: .sets))
        #expect(dataset.examples.map(\.labels) == [["x", "y"], [], ["1", "z"]])
    }

    @Test func otherTasksHaveNoSets() {
        for (field, value) in [("threshold", "0.4"), ("labelSeparator", "\"|\"")] {
            let text = "{\"model\": \"m\", \"\(field)\": \(value)}"
            let found = message { _ = try TrainingConfig(json: Data(text.utf8)) }
            #expect(found?.contains("has no effect in the task \"classification\"") == true, "\(found ?? "")")
        }
    }
}
