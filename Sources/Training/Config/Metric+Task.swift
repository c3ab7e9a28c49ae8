import Pipelines

extension Metric {
    /// Whether a model for the task has the metric.
    func suits(_ task: TrainingTask) -> Bool {
        switch self {
        case .loss: true
        case .accuracy, .f1, .macroF1, .matthews: !task.isRegression && task != .pretrain
        case .pearson, .spearman: task.isRegression
        case .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy: task == .pretrain
        case .precision, .recall: task == .tokenClassification
        }
    }

    /// What a task needs to have the metric.
    var need: String {
        switch self {
        case .loss: "examples"
        case .accuracy, .f1, .macroF1, .matthews: "labels"
        case .pearson, .spearman: "numbers"
        case .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy: "the task \"pretrain\""
        case .precision, .recall: "the task \"token_classification\""
        }
    }
}
