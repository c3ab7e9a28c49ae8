import Text

/// Questions cut into windows, as a model reads them.
package struct WindowedQuestions: Sendable {
    package let dataset: QuestionDataset
    package let windows: [QuestionWindow]
    package let encodings: [Encoding]

    /// - Throws: as `windows(of:_:runner:)`.
    package init(
        _ dataset: QuestionDataset, _ options: WindowOptions, _ tokenizer: any Tokenizer,
        runner: any TaskRunner
    ) throws(TextError) {
        self.dataset = dataset
        windows = try tokenizer.windows(of: dataset, options, runner: runner)
        encodings = windows.map(\.encoding)
    }

    /// The tokens of each window that its question's first answer starts and ends with.
    package func answerTokens() -> [(start: Int, end: Int)] {
        let answers = dataset.examples.map(\.firstAnswer)
        return windows.map { window in
            answers[window.example].map { window.tokens(of: $0) }
                ?? (QuestionWindow.noAnswer, QuestionWindow.noAnswer)
        }
    }

    /// The answers to each question, the best first.
    package func answers(_ runner: SequenceRunner, _ options: AnswerOptions) throws -> [[Answer]] {
        let found = try runner.tokenOutputs(of: "logits", on: encodings) { index, logits in
            WindowAnswers(windows[index], logits: logits, options)
        }
        return answers(found, options)
    }

    /// How good the answers are. Whether there may be none is what the data say.
    package func metrics(_ runner: SequenceRunner, _ options: AnswerOptions) throws -> EvaluationMetrics {
        var options = options
        options.allowsNone = dataset.hasUnanswerable
        let (tokens, chosen) = (answerTokens(), options)
        let found = try runner.tokenOutputs(of: "logits", on: encodings) { index, logits in
            (
                answers: WindowAnswers(windows[index], logits: logits, chosen),
                loss: WindowAnswers.loss(logits, of: tokens[index])
            )
        }
        var metrics = AnswerMetrics(hasUnanswerable: options.allowsNone)
        for (example, answers) in zip(dataset.examples, answers(found.map(\.answers), options)) {
            metrics.add(answers[0].text, right: example.answers.map(\.text))
        }
        return EvaluationMetrics(
            metrics, loss: found.reduce(0) { $0 + $1.loss } / Double(max(1, found.count)))
    }

    private func answers(_ found: [WindowAnswers], _ options: AnswerOptions) -> [[Answer]] {
        var ofExample = [[WindowAnswers]](repeating: [], count: dataset.examples.count)
        for (window, answers) in zip(windows, found) { ofExample[window.example].append(answers) }
        return zip(dataset.examples, ofExample).map { $1.answers(in: $0.context, options) }
    }
}
