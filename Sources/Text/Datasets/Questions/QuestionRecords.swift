import Support

/// Collects the questions of JSON objects: SQuAD's articles with `paragraphs` of a `context` and `qas`, and single questions
/// with a context each.
struct QuestionRecords {
    private(set) var examples: [QuestionExample] = []
    private let path: String
    private let readsAnswers: Bool
    /// Answers that are not at the place that they name.
    private var displaced = 0

    init(path: String, readsAnswers: Bool) {
        (self.path, self.readsAnswers) = (path, readsAnswers)
    }

    var notes: [String] {
        guard displaced > 0 else { return [] }
        let answers = Formatted.count(displaced, "answer is not", "answers are not")
        return [
            "\(path): \(answers) what the context has at 'answer_start'; places count in training, texts in measuring"
        ]
    }

    mutating func add(_ value: JSONValue, line: Int) throws(TextError) {
        func failure(_ message: String) -> TextError {
            TextError(.invalidColumns, file: path, line: line, message)
        }
        guard let object = value.object else {
            throw TextError(
                .invalidJSON, file: path, line: line, "is \(value.kind); expected an object with a question")
        }
        if let paragraphs = object["paragraphs"] {
            guard let list = paragraphs.array else {
                throw failure("'paragraphs' is \(paragraphs.kind); expected a list")
            }
            for paragraph in list { try add(paragraph, line: line) }
        } else if let questions = object["qas"] {
            guard let list = questions.array else {
                throw failure("'qas' is \(questions.kind); expected a list")
            }
            let context = try text("context", of: object, line)
            for question in list {
                guard let question = question.object else {
                    throw failure("'qas' holds \(question.kind); expected objects")
                }
                try add(question, context: context, line)
            }
        } else {
            try add(object, context: try text("context", of: object, line), line)
        }
    }

    private mutating func add(
        _ object: JSONObject, context: String, _ line: Int
    ) throws(TextError) {
        let question = try text("question", of: object, line)
        let id = DataCell(object["id"]).label ?? "\(examples.count + 1)"
        var answers: [QuestionExample.Answer] = []
        if readsAnswers, object["is_impossible"]?.bool != true {
            answers = try self.answers(object["answers"] ?? .null, in: context, (id, line))
        }
        examples.append(QuestionExample(id: id, question: question, context: context, answers: answers))
    }

    private func text(_ name: String, of object: JSONObject, _ line: Int) throws(TextError) -> String {
        guard let text = object[name]?.string else {
            let found =
                object[name].map { "'\(name)' is \($0.kind)" }
                ?? "no '\(name)' among the members \(Formatted.list(object.names))"
            throw TextError(.invalidColumns, file: path, line: line, "\(found); expected a text")
        }
        return text
    }

    /// A list of objects with `text` and `answer_start`, or an object with a list of each.
    private mutating func answers(
        _ value: JSONValue, in context: String, _ place: (id: String, line: Int)
    ) throws(TextError) -> [QuestionExample.Answer] {
        func failure(_ problem: String) -> TextError {
            TextError(
                .invalidLabel, file: path, line: place.line, "question \(place.id): \(problem)")
        }
        let pairs: [(text: JSONValue?, start: JSONValue?)]
        switch value {
        case .null: pairs = []
        case .array(let values): pairs = values.map { ($0["text"], $0["answer_start"]) }
        case .object(let lists):
            let (texts, starts) = (lists["text"]?.array, lists["answer_start"]?.array)
            guard let texts, let starts, texts.count == starts.count else {
                throw failure("'answers' has no lists 'text' and 'answer_start' of equal length")
            }
            pairs = zip(texts, starts).map { ($0, $1) }
        case .bool, .number, .string:
            throw failure("'answers' is \(value.kind); expected a list of texts with their 'answer_start'")
        }
        var answers: [QuestionExample.Answer] = []
        let scalars = context.unicodeScalars
        for (text, start) in pairs {
            guard let text = text?.string, let start = start?.integer else {
                throw failure("an answer has no 'text' or no whole number 'answer_start'; expected both")
            }
            let length = text.unicodeScalars.count
            guard start >= 0,
                let first = scalars.index(scalars.startIndex, offsetBy: start, limitedBy: scalars.endIndex),
                let last = scalars.index(first, offsetBy: length, limitedBy: scalars.endIndex)
            else {
                throw failure(
                    "an answer of \(Formatted.count(length, "code point")) starts at \(start), but the context has \(scalars.count)"
                )
            }
            if !scalars[first..<last].elementsEqual(text.unicodeScalars) { displaced += 1 }
            answers.append(QuestionExample.Answer(text, start: start))
        }
        return answers
    }
}
