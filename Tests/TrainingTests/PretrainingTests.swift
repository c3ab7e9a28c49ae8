import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Training

/// Pre-training of a tiny model on made-up documents, in two phases.
@Suite struct PretrainingTests {
    /// 30 documents about a subject each, so that there is something to learn.
    static func output() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let subjects = ["cat", "dog", "ship", "tree", "king", "river"]
        let verbs = ["sleeps", "walks", "falls", "waits", "turns"]
        let documents = (0..<30).map { document in
            (0..<(4 + document % 5)).map { sentence in
                let subject = subjects[document % subjects.count]
                let verb = verbs[(document + sentence) % verbs.count]
                return "The \(subject) \(verb) and the old \(subject) \(verb) again."
            }.joined(separator: " ")
        }
        try directory.write("a.txt", documents[..<20].joined(separator: "\n\n") + "\n")
        try directory.write("b.txt", documents[20...].joined(separator: "\n\n") + "\n")
        try directory.write(
            "model.json",
            """
            {"vocab_size": 120, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 64, "max_position_embeddings": 48, "type_vocab_size": 2,
             "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "norm_position": "post"}
            """)
        return directory
    }

    static func config(_ output: TemporaryDirectory) -> TrainingConfig {
        var config = TrainingConfig()
        config.directory = output.path
        config.task = .pretrain
        config.model.path = "model.json"
        config.pretraining.textFiles = ["a.txt", "b.txt"]
        config.pretraining.heldOutShare = 0.2
        config.output.directory = "run"
        config.optimizer.learningRate = 1e-3
        config.batches.size = 4
        var (first, second) = (TrainingPhase(steps: 9), TrainingPhase(steps: 5))
        (first.length, first.warmupRatio) = (24, 0.3)
        (second.length, second.batchSize, second.learningRate) = (48, 2, 5e-4)
        config.pretraining.phases = [first, second]
        config.output.saveEvery = 4
        config.evaluation.every = 5
        config.output.logEvery = 1
        config.machine.threads = 2
        return config
    }

    @Test func phasesHaveTheirOwnBatchesRatesAndSteps() throws {
        let output = try Self.output()
        var steps: [StepReport] = []
        var summary: TrainingSummary?
        let report = try trainModel(Self.config(output)) { event in
            if case .step(let step) = event { steps.append(step) }
            if case .started(let started) = event { summary = started }
        }
        #expect(steps.count == 14 && summary?.steps == 14 && summary?.warmupSteps == 3)
        #expect(steps[..<9].allSatisfy { $0.sequences <= 4 && $0.realTokens <= 4 * 24 })
        #expect(
            steps[9...].allSatisfy { $0.sequences <= 2 } && steps[9...].contains { $0.realTokens > 2 * 24 })
        #expect(steps.map(\.learningRate).firstIndex(of: 1e-3) == 2)
        #expect(steps[9].learningRate == 5e-4 && abs(steps[13].learningRate - 1e-4) < 1e-12)
        #expect(steps[0].loss > log(120) * 0.9 && steps[0].loss < log(120) + 1.5)
        let metrics = try #require(report.evaluations.last?.metrics)
        let masked = try #require(metrics.pretraining)
        #expect(abs(metrics.loss - masked.maskedLMLoss - masked.nextSentenceLoss) < 1e-9)
        #expect(metrics.value(.maskedLMAccuracy) == masked.maskedLMAccuracy && metrics.accuracy == nil)
        let header = String(decoding: try output.data("run/log.csv"), as: UTF8.self).prefix { $0 != "\n" }
        #expect(
            header.contains("masked_lm_loss,validation_masked_lm_accuracy,validation_next_sentence_accuracy")
        )
    }

    @Test func itLearns() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.pretraining.phases = []
        config.optimizer.maxSteps = 150
        config.data.maxLength = 32
        config.optimizer.learningRate = 5e-3
        config.evaluation.every = 50
        config.output.saveEvery = 0
        let report = try trainModel(config)
        let losses = report.evaluations.compactMap { $0.metrics.value(.maskedLMLoss) }
        #expect(losses.count == 3 && losses[2] < 2.5 && losses[2] < losses[0], "\(losses)")
    }

    /// Checkpoints in the middle of an epoch and of either phase.
    @Test(arguments: [5, 9, 10, 13])
    func resumingGivesTheSameBits(steps: Int) throws {
        let (whole, parts) = (try Self.output(), try Self.output())
        _ = try trainModel(Self.config(whole))
        var config = Self.config(parts)
        try ResumeTests.crash(config, after: steps)
        config.output.resume = "latest"
        config.machine.threads = 1
        _ = try trainModel(config)
        for file in ["model.safetensors", "optimizer.safetensors", "state.json"] {
            let name = "run/checkpoints/step-14/" + file
            #expect(try whole.data(name) == parts.data(name), "\(file)")
        }
        #expect(try whole.data("run/vocab.txt") == parts.data("run/vocab.txt"))
    }

    /// The tokens are made once; a run on other text is refused as a continuation.
    @Test func tokensAreKeptAndWatched() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.pretraining.tokenDirectory = "kept"
        _ = try trainModel(config)
        #expect(output.exists("kept/train.tokens") && !output.exists("run/tokens"))
        config.output.resume = "latest"
        var resumed = 0
        _ = try trainModel(config) { if case .resumed(_, let step) = $0 { resumed = step } }
        #expect(resumed == 14)
        try output.write("b.txt", "Other text here.\n\nAnd there.\n\nAnd more.\n")
        #expect(message { _ = try trainModel(config) }?.contains("different training data") == true)
    }

    @Test func heldOutFilesAndWholeWords() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.pretraining.textFiles = ["a.txt"]
        config.pretraining.heldOutFiles = ["b.txt"]
        config.pretraining.wholeWordMasking = true
        config.pretraining.maxPredictions = 2
        config.batches.mode = .dynamic
        let report = try trainModel(config)
        #expect(report.evaluations.count == 3 && output.exists("run/tokens/heldout.tokens"))
    }

    /// The saved model fine-tunes as a classifier.
    @Test func theSavedModelIsFineTuned() throws {
        let output = try Self.output()
        _ = try trainModel(Self.config(output))
        let saved = try EncoderCheckpoint(directory: output.url.appendingPathComponent("run"))
        #expect(saved.config.architectures == ["BertForPreTraining"])
        let names = Set(try tensors(output.path + "/run/model.safetensors").keys)
        #expect(
            names.isSuperset(of: [
                "bert.pooler.dense.weight", "cls.predictions.bias", "cls.seq_relationship.weight",
                "bert.embeddings.word_embeddings.weight",
            ]))
        try output.write("train.txt", "the cat sleeps\nthe dog walks\n")
        try output.write("train_labels.txt", "yes\nno\n")
        var config = TrainingConfig()
        config.directory = output.path
        config.model.path = "run"
        config.data.trainFile = "train.txt"
        (config.data.validationFile, config.data.testFile) = ("", "")
        config.output.directory = "tuned"
        config.optimizer.maxSteps = 2
        var loaded: LoadReport?
        _ = try trainModel(config) { if case .started(let summary) = $0 { loaded = summary.loaded } }
        #expect(loaded?.missing.map(\.name).sorted() == ["classifier.bias", "classifier.weight"])
    }

    @Test(arguments: [
        (#"{"task": "pretrain", "model": "m"}"#, "'textFiles' is missing"),
        (#"{"model": "m", "textFiles": ["a"]}"#, #"'textFiles' has no effect in the task "classification""#),
        (
            #"{"task": "pretrain", "model": "m", "textFiles": ["a"], "trainFile": "b"}"#,
            #"'trainFile' has no effect in the task "pretrain", whose files are 'textFiles'"#
        ),
        (
            #"{"task": "pretrain", "model": "m", "textFiles": ["a"], "metric": "accuracy"}"#,
            "'metric' is \"accuracy\", which needs labels"
        ),
        (#"{"model": "m", "metric": "masked_lm_loss"}"#, #"which needs the task "pretrain""#),
        (
            #"{"task": "pretrain", "model": "m", "textFiles": ["a"], "phases": [{"length": 9}]}"#,
            "'phases' is an array, expected an array, each element a phase such as"
        ),
        (
            #"{"task": "pretrain", "model": "m", "textFiles": ["a"], "phases": [{"steps": 9, "rate": 1}]}"#,
            "'phases' is an array, expected an array, each element a phase such as"
        ),
        (
            #"{"task": "pretrain", "model": "m", "textFiles": ["a"], "phases": [{"steps": 9}], "maxSteps": 3}"#,
            "'maxSteps' has no effect with 'phases'"
        ),
    ])
    func configurationsThatCannotBe(text: String, problem: String) {
        let error = message { _ = try TrainingConfig(json: Data(text.utf8), file: "train.json") }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }

    @Test func settingsThatDoNotFitTheModelOrText() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.pretraining.phases[1].length = 64
        #expect(
            message { _ = try trainModel(config) }?.contains(
                "a phase has sequences of 64 tokens; expected 5 to the model's 48 positions") == true)
        config = Self.config(output)
        config.pretraining.textFiles = ["nowhere.txt"]
        #expect(message { _ = try trainModel(config) }?.contains("nowhere.txt: no such file") == true)
        try output.write("one.txt", "One document only.\n")
        config.pretraining.textFiles = ["one.txt"]
        #expect(message { _ = try trainModel(config) }?.contains("expected at least two") == true)
    }
}
