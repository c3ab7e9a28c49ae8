import Encoders
import Foundation
import GraphCompiler
import Support
import TestSupport
import Testing
import Text

@testable import Pipelines

/// Questions against Hugging Face Transformers' examples and the scripts of SQuAD; `Fixtures/make_questions.py` made the numbers.
@Suite struct QuestionTests {
    private static let folder = Bundle.module.bundleURL.appendingPathComponent("Fixtures/questions")
    private static let questions = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Examples/questions/questions.json").standardized.path
    private static let options = AnswerOptions(stride: 8, maxAnswerLength: 12, nullScoreDiffThreshold: -2)

    private static func expected() throws -> JSONValue {
        try JSONValue(parsing: Data(contentsOf: folder.appendingPathComponent("expected.json")))
    }

    private static func pipeline() throws -> EncoderPipeline {
        try EncoderPipeline(
            contentsOf: folder.path, compiler: Compiler(CompilerOptions(threads: 2, cache: .off)),
            options: EncoderPipeline.Options(maxLength: 32))
    }

    @Test func windowsAreThoseOfTokenizers() throws {
        let dataset = try QuestionDataset(contentsOf: Self.questions)
        #expect(dataset.hasUnanswerable && dataset.examples.count == 17)
        let tokenizer = try TokenizerSource(contentsOf: Self.folder.path).tokenizer()
        let windowed = try WindowedQuestions(
            dataset, WindowOptions(maxLength: 32, stride: 8), tokenizer, runner: CallingThread())
        let tokens = windowed.answerTokens()
        let expected = try #require(Self.expected()["windows"]?.array)
        #expect(windowed.windows.count == expected.count)
        for (index, (window, expected)) in zip(windowed.windows, expected).enumerated() {
            #expect(dataset.examples[window.example].id == expected["question"]?.string)
            #expect(window.encoding.ids.map(Int.init) == expected["ids"]?.array?.compactMap(\.integer))
            #expect(tokens[index].start == expected["start"]?.integer)
            #expect(tokens[index].end == expected["end"]?.integer)
        }
    }

    @Test(arguments: ["answers", "answers_or_none"])
    func answersAreThoseOfTransformers(_ kind: String) throws {
        let dataset = try QuestionDataset(contentsOf: Self.questions)
        var options = Self.options
        options.allowsNone = kind == "answers_or_none"
        let found = try Self.pipeline().answer(dataset, options: options)
        let expected = try #require(Self.expected()[kind])
        for (example, answers) in zip(dataset.examples, found) {
            let right = try #require(expected[example.id]?.array)
            for (answer, right) in zip(answers, right) {
                #expect(answer.text == right["text"]?.string, "\(example.id)")
                #expect(answer.range.lowerBound == right["start"]?.integer)
                #expect(abs(answer.score - (right["score"]?.double ?? 0)) < 1e-4)
            }
        }
    }

    @Test func metricsOfAnswers() throws {
        let metrics = try Self.pipeline().evaluate(
            QuestionDataset(contentsOf: Self.questions), options: Self.options)
        try check(metrics, Self.expected()["metrics"])
        #expect(metrics.count == 17 && metrics.loss > 0)
    }

    @Test func handMadeAnswers() throws {
        let expected = try Self.expected()
        let cases = try #require(expected["cases"]?.array)
        let more = try #require(expected["more_cases"]?.array)
        for (kind, cases) in [("squad1", cases), ("squad2", cases + more)] {
            var metrics = AnswerMetrics(hasUnanswerable: kind == "squad2")
            for item in cases {
                metrics.add(
                    item["answer"]?.string ?? "", right: item["right"]?.array?.compactMap(\.string) ?? [])
            }
            try check(EvaluationMetrics(metrics, loss: 0), expected[kind])
        }
        // Of answers that are articles alone, SQuAD 1.1's script finds no common word.
        var metrics = AnswerMetrics(hasUnanswerable: false)
        metrics.add("An", right: ["the"])
        #expect(metrics.all.exactMatch == 1 && metrics.all.f1 == 0)
    }

    private func check(_ metrics: EvaluationMetrics, _ expected: JSONValue?) throws {
        let members = try #require(expected?.object?.members)
        for (name, value) in members {
            let metric = try #require(Metric(rawValue: name))
            let number = try #require(metrics.value(metric))
            #expect(abs(number - (value.double ?? -1)) < 1e-6, "\(name)")
        }
    }

    @Test(arguments: [
        (#"{"question": "Who?", "context": 3}"#, "q.json:1: 'context' is a number; expected a text"),
        (#"[{"context": "x"}, {"context": "y"}]"#, "q.json:1: no 'question' among the members context"),
        (
            #"{"id": "a", "question": "Who?", "context": "Ada", "answers": {"text": ["Ada"], "answer_start": [1]}}"#,
            "question a: an answer of 3 code points starts at 1, but the context has 3"
        ),
        (
            #"{"id": "a", "question": "Who?", "context": "Ada", "answers": {"text": ["Ada"]}}"#,
            "question a: 'answers' has no lists 'text' and 'answer_start' of equal length"
        ),
    ])
    func whatIsNoQuestion(_ text: String, _ problem: String) throws {
        let directory = try TemporaryDirectory()
        try directory.write("q.json", text)
        do {
            _ = try QuestionDataset(contentsOf: directory.path + "/q.json")
            Issue.record("no error")
        } catch {
            #expect("\(error)".contains(problem), "\(error)")
        }
    }

    /// The forms of Hugging Face's data sets, and places in code points.
    @Test func oneObjectForEachQuestion() throws {
        let directory = try TemporaryDirectory()
        try directory.write(
            "q.jsonl",
            """
            {"id": "1", "title": "T", "context": "é 😀 Ada", "question": " Who?", "answers": {"text": ["Ada"], "answer_start": [4]}}
            {"id": "2", "title": "T", "context": "é 😀 Ada", "question": "Where?", "answers": {"text": [], "answer_start": []}}

            """)
        let dataset = try QuestionDataset(contentsOf: directory.path + "/q.jsonl")
        #expect(dataset.examples.map(\.answers.count) == [1, 0] && dataset.notes.isEmpty)
        #expect(dataset.examples[0].firstAnswer == 8..<11)
    }
}
