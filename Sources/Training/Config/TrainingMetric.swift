/// How good a model is, and what decides which evaluation was the best.
public enum TrainingMetric: String, Sendable, CaseIterable {
    /// Mean loss over examples; lower is better, as of masked tokens, of all others higher.
    case loss
    /// Share of right labels.
    case accuracy
    /// F1 of the label with id 1, for two labels; of a token classifier, that of entities.
    case f1
    /// Mean F1 of the labels.
    case macroF1 = "macro_f1"
    /// Matthews' correlation of predicted and actual labels.
    case matthews
    /// Pearson's correlation of predictions and targets.
    case pearson
    /// Spearman's rank correlation of predictions and targets.
    case spearman
    /// Mean cross-entropy of masked tokens in nats; lower is better.
    case maskedLMLoss = "masked_lm_loss"
    /// Share of masked tokens that are guessed.
    case maskedLMAccuracy = "masked_lm_accuracy"
    /// Share of sentence pairs that are told right.
    case nextSentenceAccuracy = "next_sentence_accuracy"
    /// Share of the entities found by a token classifier that are right.
    case precision
    /// Share of entities that a token classifier finds.
    case recall
}

extension TrainingMetric {
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
