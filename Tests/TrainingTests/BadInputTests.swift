import Encoders
import Foundation
import TestSupport
import Testing
import Training

/// Each mistake gives one line that names the place, and writes nothing.
@Suite struct BadInputTests {
    static func expect(
        _ problem: String, file: String? = nil,
        _ change: (inout TrainingConfig, TemporaryDirectory) throws -> Void
    ) throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output)
        try change(&config, output)
        let text = message { _ = try trainModel(config) } ?? "no error"
        #expect(text.contains(problem) && !text.contains("\n"), "\(text)")
        #expect(!output.exists("run"))
    }

    @Test func missingFiles() throws {
        try Self.expect("/nowhere: no such model; expected a model directory") { config, _ in
            config.model.path = "nowhere"
        }
        try Self.expect("/nowhere.txt: no such file") { config, _ in config.data.trainFile = "nowhere.txt" }
        try Self.expect("/nowhere.txt: no such file") { config, _ in
            config.data.validationFile = "nowhere.txt"
        }
        try Self.expect("/nowhere: no such tokeniser") { config, _ in config.model.tokenizer = "nowhere" }
        try Self.expect("no weights, expected model.safetensors") { config, output in
            let text = try String(contentsOfFile: Repository.small + "/model.json", encoding: .utf8)
            try output.write("model/model.json", text)
            config.model.path = "model"
        }
    }

    @Test func modelsLargerThanTheMachine() throws {
        try Self.expect("for weights, gradients and moments, and this machine has") { config, output in
            let text = try String(contentsOfFile: Repository.small + "/model.json", encoding: .utf8)
            let large = text.replacing(/"hidden_size": *\d+/, with: "\"hidden_size\": 40000")
            try output.write("model.json", large)
            config.model.path = "model.json"
        }
    }

    @Test func settingsThatDoNotFitTheModel() throws {
        try Self.expect("'maxLength' is 65, but the model has 64 positions; lower it") { config, _ in
            config.data.maxLength = 65
        }
        try Self.expect("tokens but at most 5 are allowed; shorten it") { config, _ in
            config.data.maxLength = 5
            config.data.truncation = .doNotTruncate
        }
        try Self.expect("'earlyStopping' needs validation data") { config, _ in
            config.data.validationFile = nil
            config.evaluation.earlyStopping = 1
        }
    }

    @Test func dataThatDoNotFit() throws {
        try Self.expect("valid.tsv:2: unknown label \"bad\"; known labels are negative, positive") {
            config, output in
            try output.write("valid.tsv", "positive\tfine\nbad\tdull\n")
            config.data.validationFile = "valid.tsv"
        }
        try Self.expect("all examples have the label \"x\"") { config, output in
            try output.write("train.tsv", "x\tfine\nx\tdull\n")
            config.data.trainFile = "train.tsv"
        }
        try Self.expect("label \"good\" is not a finite number") { config, output in
            try output.write("train.tsv", "1.5\tfine\ngood\tdull\n")
            config.data.trainFile = "train.tsv"
            config.task = .regression
        }
        try Self.expect("has 1 text but") { config, output in
            try output.write("train.txt", "a\n")
            try output.write("train_labels.txt", "x\ny\n")
            config.data.trainFile = "train.txt"
        }
        try Self.expect("holds no") { config, output in
            try output.write("train.tsv", "")
            config.data.trainFile = "train.tsv"
        }
    }

    @Test func weightsThatDoNotFit() throws {
        let saved = try TemporaryDirectory()
        _ = try trainModel(smallConfig(saved, steps: 1))
        let weights = try saved.data("run/model.safetensors")
        try weights.prefix(weights.count / 2).write(
            to: saved.url.appendingPathComponent("run/model.safetensors"))
        try Self.expect("model.safetensors") { config, _ in config.model.path = saved.path + "/run" }
    }

    /// A model whose weight holds an infinity: its name is in the message, and nothing is saved.
    @Test func infinityNamesTheParameter() throws {
        let saved = try TemporaryDirectory()
        _ = try trainModel(smallConfig(saved, steps: 1))
        let directory = saved.url.appendingPathComponent("run")
        let checkpoint = try EncoderCheckpoint(directory: directory)
        var (values, _) = try checkpoint.load(checkpoint.parameters)
        values["encoder.layer.1.output.dense.weight"]![7] = .infinity
        try EncoderCheckpoint.save(
            to: directory, config: checkpoint.config, architecture: .sequenceClassification,
            parameters: checkpoint.parameters, values: values)
        var config = smallConfig(saved)
        config.model.path = "run"
        config.output.directory = "second"
        let text = message { _ = try trainModel(config) } ?? ""
        #expect(
            text.contains("run/model.safetensors: tensor ")
                && text.contains("encoder.layer.1.output.dense.weight' holds inf"), "\(text)")
        #expect(!saved.exists("second/model.safetensors"))
    }

    /// A learning rate that blows the model up: the step and the first node are named, and no checkpoint is made of
    /// weights that are finite but of no use.
    @Test func divergenceNamesStepAndNode() throws {
        let output = try TemporaryDirectory()
        var config = smallConfig(output, steps: 20)
        config.optimizer.learningRate = 1e30
        config.optimizer.weightDecay = 0
        config.output.saveEvery = 1
        let text = message { _ = try trainModel(config) } ?? ""
        #expect(
            text.hasPrefix("step 1 (epoch 1): ") && text.contains("is the first node to produce"), "\(text)")
        #expect(!output.exists("run/checkpoints"))
        // Without checkpoints the next step finds it.
        config.output.saveEvery = 0
        #expect(message { _ = try trainModel(config) }?.hasPrefix("step 2 (epoch 1): ") == true)
    }
}
