/// A question about a text, with the answers that are parts of the text.
package struct QuestionExample: Sendable, Equatable {
    /// A part of the context.
    package struct Answer: Sendable, Equatable {
        package let text: String
        /// Where it starts in the context, in code points.
        package let start: Int

        package init(_ text: String, start: Int) { (self.text, self.start) = (text, start) }
    }

    package let id: String
    package let question: String
    package let context: String
    /// Answers that count as right, the first of which is trained on; none where the context does not answer the question.
    package let answers: [Answer]

    package init(id: String, question: String, context: String, answers: [Answer] = []) {
        (self.id, self.question, self.context, self.answers) = (id, question, context, answers)
    }

    /// The bytes of the context that the first answer is; nil without one.
    package var firstAnswer: Range<Int>? {
        guard let answer = answers.first else { return nil }
        let scalars = context.unicodeScalars
        let first =
            scalars.index(scalars.startIndex, offsetBy: answer.start, limitedBy: scalars.endIndex)
            ?? scalars.endIndex
        let last =
            scalars.index(first, offsetBy: answer.text.unicodeScalars.count, limitedBy: scalars.endIndex)
            ?? scalars.endIndex
        let start = context.utf8.distance(from: context.startIndex, to: first)
        return start..<(start + context.utf8.distance(from: first, to: last))
    }
}

/// Questions in file order.
package struct QuestionDataset: Sendable, Equatable {
    package let examples: [QuestionExample]
    /// Path of the file, or a name for examples made in memory.
    package let file: String
    /// What to know about how the file was read.
    package let notes: [String]

    package init(_ examples: [QuestionExample], file: String = "questions", notes: [String] = []) {
        (self.examples, self.file, self.notes) = (examples, file, notes)
    }

    /// Loads questions in the JSON of SQuAD 1.1 or 2.0, or as Hugging Face's data sets have them, one object for each
    /// question. `-` is standard input.
    ///
    /// - Parameter readsAnswers: whether answers are read and checked.
    /// - Throws: a `FileError` for a file that cannot be read; a `TextError` that names file and line for what is no question.
    package init(contentsOf path: String, readsAnswers: Bool = true) throws {
        let file = try SourceFile(path: path, expected: "questions in SQuAD's JSON")
        var records = QuestionRecords(path: file.path, readsAnswers: readsAnswers)
        let values = try JSONRecords(file)
        for (value, line) in zip(values.values, values.lines) { try records.add(value, line: line) }
        guard !records.examples.isEmpty else {
            throw TextError(
                .emptyDataset, file: file.path, "holds no questions; expected questions in SQuAD's JSON")
        }
        self.init(records.examples, file: file.path, notes: records.notes)
    }

    /// Whether there are questions without an answer, as in SQuAD 2.0.
    package var hasUnanswerable: Bool { examples.contains { $0.answers.isEmpty } }

    /// What errors call an example.
    package func place(of index: Int) -> String { "\(file): question \(examples[index].id)" }
}
