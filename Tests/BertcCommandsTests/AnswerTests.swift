import Foundation
import TestSupport
import Testing

/// Heads that answer in other ways than with one label: questions, sets of labels, masks, candidate labels.
@Suite struct AnswerTests {
    private static let question = """
        {"id": "a", "question": "the film?", "context": "a bad plot .", "answers": {"text": ["bad plot"], "answer_start": [2]}}
        {"id": "b", "question": "fine?", "context": "a bad plot .", "answers": {"text": [], "answer_start": []}}

        """

    @Test func questions() throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.questionAnswering, to: scratch)
        try scratch.write("q.jsonl", Self.question)
        let model = scratch.path("model")
        let evaluation = try Tool.run(["evaluate", model, scratch.path("q.jsonl"), "--json"])
        #expect(evaluation.status == 0, "\(evaluation.error)")
        #expect(evaluation.output.hasPrefix(#"{"examples": 2, "loss": "#), "\(evaluation.output)")
        for metric in ["exact_match", "f1", "has_answer_f1", "no_answer_exact_match"] {
            #expect(evaluation.output.contains("\"\(metric)\": "))
        }
        let answers = ["predict", model, "--question", "film?", "--context", "a bad plot ."]
        let line = try Tool.run(answers)
        #expect(line.status == 0 && line.outputLines.count == 1, "\(line.error)")
        #expect(line.output.split(separator: "\t").count == 4)
        let best = try Tool.run(answers + ["--n-best", "3", "--handle-impossible-answer", "--json"])
        #expect(best.output.hasPrefix(#"{"id": "1", "question": "film?", "answer": "#), "\(best.output)")
        #expect(best.output.contains(#""n_best": [{"answer": "#))
        let file = try Tool.run(["predict", model, "--file", scratch.path("q.jsonl")])
        #expect(file.outputLines.count == 2, "\(file.error)")

        for (arguments, text) in [
            (["predict", model, "--text", "a"], "give --question and --context"),
            (["predict", model], "there is no question"),
            (answers + ["--top", "2"], "use --n-best in the place of --top"),
            (["predict", model, "--question", "a"], "there are 0 --context for 1 --question"),
            (["evaluate", model, "q.tsv", "--text-column", "1"], "whose data are SQuAD's JSON"),
            (
                answers + ["--threshold", "0.5"],
                "does not give several labels; --threshold is for models that do"
            ),
        ] {
            let result = try Tool.run(arguments)
            #expect(result.status == 64 && result.error.contains(text), "\(result.error)")
        }
    }

    @Test func severalLabels() throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.multiLabelClassification(labels: 2), labels: ["long", "short"], to: scratch)
        try scratch.write("t.tsv", "text\tlabels\na film\tshort\nthe film is fine\tlong;short\na\t\n")
        let model = scratch.path("model")
        let evaluation = try Tool.run(["evaluate", model, scratch.path("t.tsv"), "--label-separator", ";"])
        #expect(evaluation.status == 0, "\(evaluation.error)")
        #expect(evaluation.output.contains("micro_f1") && evaluation.output.contains("sample_f1"))
        let all = try Tool.run(["predict", model, "--text", "a film", "--threshold", "0"])
        #expect(all.output.split(separator: "\t").count == 4, "\(all.error)")
        let none = try Tool.run(["predict", model, "--text", "a film", "--threshold", "1", "--json"])
        #expect(none.output.contains(#""labels": [], "probabilities": {"#), "\(none.output)")
        let question = try Tool.run(["predict", model, "--question", "a", "--context", "b"])
        #expect(question.status == 64 && question.error.contains("does not answer questions"))
    }

    /// A cross-encoder says so in its configuration.
    @Test(arguments: [
        #""sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}"#,
        #""sbert_ce_default_activation_function": "torch.nn.modules.activation.Sigmoid""#,
    ])
    func rankings(_ key: String) throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.regression, to: scratch)
        let config = try String(contentsOfFile: scratch.path("model/config.json"), encoding: .utf8)
        try scratch.write("model/config.json", "{\(key)," + config.drop { $0 != "{" }.dropFirst())
        try scratch.write(
            "r.jsonl", #"{"query": "a film", "docs": ["fine", "bad plot"], "labels": [1, 0]}"# + "\n")
        let result = try Tool.run(["evaluate", scratch.path("model"), scratch.path("r.jsonl")])
        #expect(result.status == 0, "\(result.error)")
        for metric in ["ndcg@10", "mrr@10", "map@100", "accuracy", "average_precision", "of label 1"] {
            #expect(result.output.contains(metric), "\(result.output)")
        }
        let score = try Tool.run(["predict", scratch.path("model"), "--text", "a", "--pair", "fine"])
        #expect(Double(score.output.filter { !$0.isWhitespace }).map { (0...1).contains($0) } == true)
    }

    @Test func choices() throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.multipleChoice, to: scratch)
        try scratch.write(
            "c.csv", "sent1,sent2,ending0,ending1,label\nthe film,is,fine,bad,0\na,plot,is,not,1\n")
        let model = scratch.path("model")
        let evaluation = try Tool.run(["evaluate", model, scratch.path("c.csv"), "--json"])
        #expect(evaluation.status == 0, "\(evaluation.error)")
        #expect(evaluation.output.hasPrefix(#"{"examples": 2, "loss": "#), "\(evaluation.output)")
        #expect(evaluation.output.contains("\"accuracy\": "))
        let file = try Tool.run(["predict", model, "--file", scratch.path("c.csv"), "--top", "1"])
        #expect(
            file.outputLines.count == 2 && file.outputLines[0].split(separator: "\t").count == 2,
            "\(file.error)")
        let asked = ["predict", model, "--text", "the film", "--choice", "is fine", "--choice", "bad"]
        let answer = try Tool.run(asked + ["--json"])
        #expect(answer.output.hasPrefix(#"{"text": "the film", "choice": "#), "\(answer.error)")
        for (arguments, text) in [
            (["predict", model, "--text", "a"], "there are 0 --choice; give at least two"),
            (["predict", model, "--choice", "a"], "give --text with several --choice"),
            (asked + ["--query", "a"], "--query and --candidate-labels are for other models"),
        ] {
            let result = try Tool.run(arguments)
            #expect(result.status == 64 && result.error.contains(text), "\(result.error)")
        }
    }

    @Test func masksAndCandidates() throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.maskedLM, to: scratch, "masked")
        let masked = try Tool.run([
            "predict", scratch.path("masked"), "--text", "a [MASK] plot", "--top", "2",
        ])
        #expect(masked.status == 0 && masked.output.split(separator: "\t").count == 4, "\(masked.error)")
        let plain = try Tool.run(["predict", scratch.path("masked"), "--text", "a plot"])
        #expect(plain.status == 65 && plain.error.contains("text 1: has no mask"), "\(plain.error)")

        try TinyModel.write(.classification(labels: 2), labels: ["other", "entailment"], to: scratch, "nli")
        let judge = ["predict", scratch.path("nli"), "--text", "a film"]
        let labels = ["--candidate-labels", "fine, bad", "--hypothesis-template", "the {}"]
        let judged = try Tool.run(judge + labels + ["--json"])
        #expect(judged.status == 0, "\(judged.error)")
        #expect(judged.output.hasPrefix(#"{"text": "a film", "labels": ["#), "\(judged.output)")
        for (arguments, text) in [
            (judge + ["--candidate-labels", " , "], "has no label"),
            (judge + ["--multi-label"], "need --candidate-labels"),
            (judge + labels.dropLast() + ["the"], "must have {}"),
        ] {
            let result = try Tool.run(arguments)
            #expect(result.status == 64 && result.error.contains(text), "\(result.error)")
        }
    }

    @Test(arguments: [
        "question-answering", "multiple-choice", "multi-label-classification", "next-sentence-prediction",
    ])
    func headsAreCompiled(_ task: String) throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.encoder, to: scratch)
        let result = try Tool.run(["compile", scratch.path("model"), "--training", "--task", task])
        #expect(result.status == 0, "\(result.error)")
    }
}
