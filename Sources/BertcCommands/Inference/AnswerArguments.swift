import ArgumentParser
import Encoders
import Pipelines
import Support
import Text

/// How `bertc evaluate` and `bertc predict` find answers to questions.
struct AnswerArguments: ParsableArguments {
    @Option(
        name: .customLong("doc-stride"),
        help:
            "Tokens that windows of a long context have in common; 128 by default, or a third of --max-length."
    )
    var stride: Int?

    @Option(
        name: .customLong("max-answer-length"), help: "Tokens of an answer at most; 30 by default.")
    var maxAnswerLength: Int?

    @Option(
        name: .customLong("null-score-diff-threshold"), parsing: .unconditional,
        help:
            "Give no answer where its score is better than the best answer's by more than this; 0 by default."
    )
    var nullScoreDiffThreshold: Double?

    func validate() throws {
        if let stride, stride < 0 { throw ValidationError("--doc-stride is \(stride); expected at least 0") }
        if let nullScoreDiffThreshold, nullScoreDiffThreshold.isNaN {
            throw ValidationError("--null-score-diff-threshold is nan; expected a number")
        }
        if let maxAnswerLength, maxAnswerLength < 1 {
            throw ValidationError("--max-answer-length is \(maxAnswerLength); expected at least 1")
        }
    }

    var options: AnswerOptions {
        var options = AnswerOptions(stride: stride)
        if let maxAnswerLength { options.maxAnswerLength = maxAnswerLength }
        if let nullScoreDiffThreshold { options.nullScoreDiffThreshold = nullScoreDiffThreshold }
        return options
    }

    /// Refuses them for a model that answers no questions.
    func check(_ pipeline: EncoderPipeline) throws {
        guard pipeline.head != .questionAnswering,
            stride != nil || maxAnswerLength != nil || nullScoreDiffThreshold != nil
        else { return }
        throw CommandError(
            .usage,
            "\(pipeline.path): does not answer questions; --doc-stride, --max-answer-length and "
                + "--null-score-diff-threshold are for models that do")
    }
}

/// The questions that `bertc predict` answers.
struct QuestionInput: ParsableArguments {
    @Option(parsing: .unconditionalSingleValue, help: "A question; may be given several times.")
    var question: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: "The text that holds the answer; one for all questions, or as many as --question.")
    var context: [String] = []

    @Option(
        name: [.customLong("n-best"), .customLong("n-best-size")],
        help: "Answers to print for each question; the best alone by default.")
    var nBest: Int?

    @Flag(
        name: .customLong("handle-impossible-answer"),
        help: "A context may not answer its question, as in SQuAD 2.0.")
    var allowsNone = false

    func validate() throws {
        if let nBest, nBest < 1 { throw ValidationError("--n-best is \(nBest); expected at least 1") }
        guard question.isEmpty == context.isEmpty,
            context.count <= 1 || context.count == question.count
        else {
            throw ValidationError(
                "there are \(context.count) --context for \(question.count) --question; expected one, or one for each"
            )
        }
    }

    /// Those of the command line, else of a file in SQuAD's JSON.
    func read(_ input: TextInput) throws -> QuestionDataset {
        guard input.text.isEmpty, input.pair.isEmpty, input.columns.areUsual else {
            throw CommandError(
                .usage,
                "the model answers questions; give --question and --context, or a --file with questions in SQuAD's JSON"
            )
        }
        if question.isEmpty {
            guard let path = input.file else {
                throw CommandError(
                    .usage,
                    "there is no question; give --question and --context, or a --file with questions in SQuAD's JSON"
                )
            }
            return try QuestionDataset(contentsOf: path, readsAnswers: false)
        }
        guard input.file == nil else {
            throw CommandError(.usage, "give --question or --file, not both")
        }
        return QuestionDataset(
            question.indices.map {
                QuestionExample(
                    id: "\($0 + 1)", question: question[$0],
                    context: context.count == 1 ? context[0] : context[$0])
            })
    }

    /// Refuses them for a model that answers no questions.
    func check(_ pipeline: EncoderPipeline) throws {
        guard pipeline.head != .questionAnswering, !question.isEmpty || nBest != nil || allowsNone else {
            return
        }
        throw CommandError(
            .usage,
            "\(pipeline.path): does not answer questions; --question, --context, --n-best and --handle-impossible-answer are for models "
                + "that do")
    }
}

extension QuestionExample {
    /// The answers to the question as a JSON object, with `n_best` where more than one was asked for.
    func json(_ answers: [Pipelines.Answer], nBest: Int?) -> JSONValue {
        let members: [(String, JSONValue)] = [("id", .string(id)), ("question", .string(question))]
        let best = nBest.map { count -> [(String, JSONValue)] in
            [("n_best", .array(answers.prefix(count).map { .object($0.members) }))]
        }
        return .object(members + answers[0].members + (best ?? []))
    }
}

extension Answer {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("answer", .string(text)), ("score", .double(score)), ("start", .integer(range.lowerBound)),
            ("end", .integer(range.upperBound)),
        ]
    }

    /// Text, score and span with tabs between them; what would break the line is a blank.
    var line: String {
        let shown = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.isWhitespace ? " " : $0 }))
        return [
            shown, Formatted.number(score, digits: 4), "\(range.lowerBound)", "\(range.upperBound)",
        ].joined(separator: "\t")
    }
}
