import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import TestSupport
import Testing
import Text

@testable import Training

/// Multiple choice next to Hugging Face Transformers (`Fixtures/choice/make.py`), its data, and what it refuses.
@Suite struct ChoiceTaskTests {
    private static let fixtures = Bundle.module.bundleURL.appendingPathComponent("Fixtures/choice")

    private static func config(_ output: TemporaryDirectory? = nil) -> TrainingConfig {
        var config = TrainingConfig()
        config.directory = fixtures.path
        config.task = .multipleChoice
        config.model.path = "model"
        config.data.trainFile = "swag.csv"
        (config.data.validationFile, config.data.testFile) = ("", "")
        config.batches.size = 8
        config.optimizer.learningRate = 1e-3
        config.optimizer.maxSteps = 50
        config.machine.threads = 2
        config.output.saveEvery = 0
        if let output { config.output.directory = output.path + "/run" }
        return config
    }

    @Test func fiftyStepsFollowTransformers() throws {
        let json = try JSONValue(
            parsing: Data(contentsOf: Self.fixtures.appendingPathComponent("losses.json")))
        let losses = json["losses"]?.array?.compactMap(\.double) ?? []
        let config = Self.config()
        let source = try ModelSource(config)
        let task = try ChoiceTask(config, source)
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
        print("largest relative difference of 50 losses \(worst)")
        #expect(losses.count == 50 && worst < 1e-5)

        let pipeline = try EncoderPipeline(contentsOf: Self.fixtures.path + "/model")
        let dataset = try ChoiceDataset(contentsOf: Self.fixtures.path + "/swag.csv")
        for (answer, row) in zip(try pipeline.choose(dataset), json["logits"]?.array ?? []) {
            let expected = softmax((row.array ?? []).compactMap { $0.double.map { Float($0) } })
            for (a, b) in zip(answer.probabilities, expected) { #expect(abs(a - Float(b)) < 1e-5) }
        }
    }

    @Test func itIsSavedAndMeasured() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output)
        config.data.validationFile = "swag.csv"
        (config.optimizer.maxSteps, config.optimizer.learningRate) = (30, 5e-3)
        let whole = try trainModel(config)
        #expect(whole.metric == .accuracy)
        let pipeline = try EncoderPipeline(contentsOf: config.output.directory)
        #expect(pipeline.head == .multipleChoice && pipeline.report.unexpected.isEmpty)
        #expect(pipeline.config.architectures == ["BertForMultipleChoice"])
        let again = try pipeline.evaluate(contentsOf: Self.fixtures.path + "/swag.csv")
        #expect(again.accuracy == whole.bestValue && again.count == 48)
        let answer = try pipeline.choose([MultipleChoice("the old king", choices: ["a bird", "never"])])[0]
        #expect(["a bird", "never"][answer.index] == answer.label)
        #expect(throws: ModelError.self) { try pipeline.choose([MultipleChoice("the", choices: ["one"])]) }
        #expect(throws: ModelError.self) { try pipeline.classify(["the"]) }
    }

    /// Pieces of a batch are whole examples, of different numbers of choices.
    @Test func piecesAreTheBatch() throws {
        let output = try TemporaryDirectory()
        let rows = (0..<8).map { index in
            let choices = ["a bird", "the king", "never", "old"].prefix(2 + index % 3).map { "\"\($0)\"" }
            return
                #"{"question": "red house \#(index)", "choices": [\#(choices.joined(separator: ", "))], "label": 1}"#
        }
        try output.write("a.jsonl", rows.joined(separator: "\n") + "\n")
        var config = Self.config(output)
        config.data.trainFile = output.path + "/a.jsonl"
        config.optimizer.maxSteps = 3
        let whole = try losses(config)
        config.batches.miniBatchSize = 3
        for (a, b) in zip(try losses(config), whole) { #expect(abs(a - b) <= 1e-5 * b) }
    }

    @Test(arguments: [
        ("sent1,sent2,ending0,ending1,label\na,b,c,d,1\n", ["b c", "b d"], 1),
        ("question,optionA,optionB,optionC,answer\na,x,y,z,C\n", ["x", "y", "z"], 2),
        ("id,text,choice1,choice2,label\n7,a,x,y,0\n", ["x", "y"], 0),
        (
            #"{"question": "a", "choices": {"label": ["1", "2"], "text": ["x", "y"]}, "answerKey": "2"}"#,
            ["x", "y"], 1
        ),
        (#"{"ctx_a": "a", "ctx_b": "b", "endings": ["x", "y"], "label": "0"}"#, ["b x", "b y"], 0),
        (#"{"premise": "a", "options": ["x", "y"], "answer": "y"}"#, ["x", "y"], 1),
        // A number of JSON is a place, whatever the choices are.
        (#"{"premise": "a", "options": ["1", "2"], "answer": 1}"#, ["1", "2"], 1),
    ])
    func columnsAreFound(text: String, choices: [String], label: Int) throws {
        let output = try TemporaryDirectory()
        let name = text.hasPrefix("{") ? "a.jsonl" : "a.csv"
        try output.write(name, text)
        let dataset = try ChoiceDataset(contentsOf: output.path(name))
        let example = try #require(dataset.examples.first)
        #expect(example.text == "a" && example.choices.indices.map(example.second) == choices)
        #expect(dataset.labels == [label])
    }

    @Test(arguments: [
        ("a,b\nx,y\n", "has no columns of choices"),
        ("text,choice0,choice1\na,x,y\n", "has no column that says which choice is right"),
        (
            "text,choice0,choice1,label\na,x,y,2\n",
            "a.csv:2: has the label \"2\" in column 3 \"label\", but 2 choices"
        ),
        ("text,choice0,choice1,label\na,x,y,-1\n", "has no example with a label"),
        ("text,choice0,choice1,label\na,1,2,1\n", "the place of one choice and the text of another"),
        ("text,choice0,choice1,label\na,B,A,A\n", "the place of one choice and the text of another"),
    ])
    func badDataNameFileAndLine(text: String, problem: String) throws {
        let output = try TemporaryDirectory()
        try output.write("a.csv", text)
        var config = Self.config(output)
        config.data.trainFile = output.path + "/a.csv"
        let error = message { _ = try trainModel(config) }
        #expect(error?.contains(problem) == true, "\(error ?? "none")")
    }
}
