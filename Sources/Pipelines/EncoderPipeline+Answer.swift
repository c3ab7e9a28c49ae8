import Text

extension EncoderPipeline {
    /// The answers to each question, the one that is given first: parts of the context, or none where the options allow it.
    ///
    /// - Throws: `ModelError` when the model is not one for question answering, errors that name a question that is too long.
    public func answer(_ questions: [Question], options: AnswerOptions = AnswerOptions()) throws -> [[Answer]]
    {
        let examples = questions.enumerated().map {
            QuestionExample(id: "\($0 + 1)", question: $1.text, context: $1.context)
        }
        return try answer(QuestionDataset(examples), options: options)
    }

    /// The answers to the questions of a data set.
    package func answer(_ dataset: QuestionDataset, options: AnswerOptions) throws -> [[Answer]] {
        guard head == .questionAnswering else { throw wrongTask("answer questions") }
        return try windowed(dataset, options).answers(runner(for: .head), options)
    }

    /// Metrics on questions with answers.
    package func evaluate(_ dataset: QuestionDataset, options: AnswerOptions) throws -> EvaluationMetrics {
        guard head == .questionAnswering else { throw wrongTask("answer questions") }
        return try windowed(dataset, options).metrics(runner(for: .head), options)
    }

    private func windowed(
        _ dataset: QuestionDataset, _ options: AnswerOptions
    ) throws -> WindowedQuestions {
        let length = chosenLength ?? min(maxLength, WindowOptions.usualLength)
        return try WindowedQuestions(
            dataset, WindowOptions(maxLength: length, stride: options.stride), tokenizer, runner: tasks)
    }
}
