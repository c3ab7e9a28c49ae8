import Pipelines

/// When a run is evaluated, and what the evaluations decide.
public struct EvaluationSettings: Sendable, Equatable {
    /// Steps between evaluations; after each epoch when `nil`.
    public var every: Int?
    /// What decides which model is best; accuracy, (for regression) loss, (of entities) F1, or a GLUE task's own
    /// when `nil`.
    public var metric: Metric?
    /// The probability from which on a label of several is given.
    public var threshold = 0.5
    /// Queries, documents, and which of them belong together, to measure vectors on.
    public var queriesFile: String?
    /// The documents.
    public var corpusFile: String?
    /// The relevant documents of queries.
    public var relevanceFile: String?
    /// Keep the model of the best evaluation rather than the last one.
    public var saveBest = true
    /// Stop after so many evaluations in a row without a better one.
    public var earlyStopping: Int?
}

extension EvaluationSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "evaluateEvery", \.every, "Steps between evaluations; null is after each epoch.",
                atLeast: 1,
                effect: .selection),
            .init(
                "metric", \.metric,
                "What makes an evaluation the best one; null is `accuracy`, `micro_f1` of several labels, `loss` for regression and pre-training, `f1` "
                    + "for `token_classification` and `question_answering`, and a GLUE task's own metric. `f1` is of the label with id 1 of two, or of "
                    + "entities, or of the words of answers.",
                effect: .selection),
            .init(
                "threshold", \.threshold,
                "`multi_label_classification`: the probability from which on an evaluation gives a label.",
                expectation: "a number from 0 to 1", effect: .selection, isLegal: { (0...1).contains($0) }),
            .init(
                "queriesFile", \.queriesFile,
                "`embedding`: queries that each evaluation measures the model on, with `corpusFile` and `relevanceFile` "
                    + "([embedding.md](embedding.md#evaluation)).", effect: .none, isPath: true),
            .init("corpusFile", \.corpusFile, "The documents.", effect: .none, isPath: true),
            .init(
                "relevanceFile", \.relevanceFile, "Which documents are relevant to which query.",
                effect: .none,
                isPath: true),
            .init(
                "saveBest", \.saveBest, "Save the model of the best evaluation; else that of the last step.",
                effect: .selection),
            .init(
                "earlyStopping", \.earlyStopping,
                "Stop after so many evaluations in a row without a better one; null is never.", atLeast: 1,
                effect: .selection),
        ]
    }

    /// The task must have the metric, and stopping early needs something to evaluate on.
    func check(in config: TrainingConfig) throws {
        if config.task != .multiLabelClassification {
            try config.refuseUseless(["threshold"], "whose examples have one label each at most")
        }
        if let metric, !metric.suits(config.task) {
            let legal = Metric.allCases.filter { $0.suits(config.task) }.map { "\"\($0.rawValue)\"" }
            throw config.error(
                "metric",
                "is \"\(metric.rawValue)\", which needs \(metric.need); expected "
                    + legal.dropLast().joined(separator: ", ") + " or \(legal[legal.count - 1])")
        }
        let files = [queriesFile, corpusFile, relevanceFile]
        if config.task != .embedding {
            try config.refuseUseless(
                ["queriesFile", "corpusFile", "relevanceFile"], "but only in \"embedding\"")
        } else if files.contains(nil), files.contains(where: { $0 != nil }) {
            throw config.error(
                "queriesFile", "belongs together with corpusFile and relevanceFile; give all three or none")
        }
        if earlyStopping != nil, config.data.validationFile == "", config.examples.validationShare == 0,
            queriesFile == nil
        {
            throw config.error("earlyStopping", "needs a validationFile; name one or remove it")
        }
    }
}
