import Pipelines

extension Metric {
    /// Whether a model for the task has the metric.
    func suits(_ task: TrainingTask) -> Bool {
        switch self {
        case .loss: true
        case .f1: task.hasLabels || task == .questionAnswering || task == .reranking
        case .accuracy:
            task.hasLabels || [.multiLabelClassification, .multipleChoice, .reranking].contains(task)
        case .macroF1: task.hasLabels || task == .multiLabelClassification
        case .matthews: task.hasLabels
        case .microF1, .sampleF1: task == .multiLabelClassification
        case .pearson, .spearman: task.isRegression || task == .embedding || task == .reranking
        case .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy: task == .pretrain
        case .precision, .recall: task == .tokenClassification || task == .reranking
        case .averagePrecision: task == .reranking
        case .exactMatch, .answerableExactMatch, .answerableF1, .unanswerableExactMatch:
            task == .questionAnswering
        case .ndcgAt10, .mrrAt10, .mapAt100, .recallAt1, .recallAt10, .recallAt100:
            task == .embedding || task == .reranking
        case .cosineAccuracy: task == .embedding
        }
    }

    /// What a task needs to have the metric.
    var need: String {
        switch self {
        case .loss: "examples"
        case .accuracy, .f1, .macroF1, .matthews: "labels"
        case .pearson, .spearman: "numbers"
        case .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy: "the task \"pretrain\""
        case .microF1, .sampleF1: "the task \"multi_label_classification\""
        case .exactMatch, .answerableExactMatch, .answerableF1, .unanswerableExactMatch:
            "the task \"question_answering\""
        case .precision, .recall: "the task \"token_classification\" or \"reranking\""
        case .averagePrecision: "the task \"reranking\""
        case .ndcgAt10, .mrrAt10, .mapAt100, .recallAt1, .recallAt10, .recallAt100:
            "the task \"embedding\" or \"reranking\""
        case .cosineAccuracy: "the task \"embedding\""
        }
    }
}
