import Encoders
import Foundation
import Pipelines
import TestSupport
import Testing
import Training

/// A tiny fresh model on the questions of Examples/questions.
@Suite struct QuestionTaskTests {
    private static func output() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try directory.write(
            "model.json",
            """
            {"vocab_size": 200, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 64, "max_position_embeddings": 64, "norm_position": "post"}
            """)
        let fixtures = Repository.root.appendingPathComponent("Tests/PipelinesTests/Fixtures/questions")
        try directory.write(
            "vocab.txt", String(contentsOf: fixtures.appendingPathComponent("vocab.txt"), encoding: .utf8))
        return directory
    }

    private static func config(_ output: TemporaryDirectory) -> TrainingConfig {
        let questions = Repository.root.appendingPathComponent("Examples/questions/questions.json").path
        var config = TrainingConfig()
        config.directory = output.path
        config.task = .questionAnswering
        config.model.path = "model.json"
        (config.data.trainFile, config.data.validationFile) = (questions, questions)
        config.data.maxLength = 48
        config.questions.stride = 12
        config.output.directory = "run"
        config.batches.size = 8
        config.optimizer.maxSteps = 4
        config.optimizer.learningRate = 1e-3
        config.machine.threads = 2
        config.output.saveEvery = 2
        return config
    }

    @Test func itIsSavedAndResumed() throws {
        let output = try Self.output()
        var config = Self.config(output)
        let whole = try losses(config)
        #expect(whole.count == 4 && whole.allSatisfy(\.isFinite))
        let saved = try EncoderCheckpoint(directory: output.url.appendingPathComponent("run"))
        #expect(saved.config.architectures == ["BertForQuestionAnswering"] && saved.config.labels.isEmpty)
        let pipeline = try EncoderPipeline(
            contentsOf: output.path + "/run", options: EncoderPipeline.Options(maxLength: 48))
        #expect(pipeline.head == .questionAnswering && pipeline.report.unexpected.isEmpty)
        let answers = try pipeline.answer([Question("Who?", context: "Elise Odermatt built it.")])
        #expect(!answers[0][0].text.isEmpty)
        #expect(throws: ModelError.self) { try pipeline.classify(["Who?"]) }

        // A run that ends in the middle and goes on has the same steps.
        config.output.directory = "other"
        var seen: [Double] = []
        #expect(throws: Crash.self) {
            try trainModel(config) { event in
                if case .step(let step) = event {
                    if step.step == 3 { throw Crash() }
                    seen.append(step.loss)
                }
            }
        }
        config.output.resume = "latest"
        let rest = try losses(config)
        #expect(seen + rest == whole)
    }

    @Test(arguments: [
        ("textColumn", #""question""#, "has no effect in the task \"question_answering\""),
        ("metric", #""accuracy""#, "is \"accuracy\", which needs labels"),
        ("docStride", "-1", "expected an integer of at least 0 or null"),
    ])
    func whatTheTaskDoesNotHave(_ field: String, _ value: String, _ problem: String) throws {
        let text = #"{"model": "m", "task": "qa", "\#(field)": \#(value)}"#
        let found = message { _ = try TrainingConfig(json: Data(text.utf8)) }
        #expect(found?.contains(problem) == true, "\(found ?? "no error")")
    }

    @Test func questionsNeedRoom() throws {
        let output = try Self.output()
        var config = Self.config(output)
        config.data.maxLength = 24
        let found = message { _ = try trainModel(config) }
        #expect(found?.contains("questions.json: question q1: the question has") == true, "\(found ?? "")")
    }
}
