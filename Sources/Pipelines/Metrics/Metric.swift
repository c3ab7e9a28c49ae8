/// How good a model is, and what decides which evaluation was the best.
public enum Metric: String, Sendable, CaseIterable {
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

    /// Whether a value is strictly better than another.
    package func isBetter(_ value: Double, than other: Double) -> Bool {
        switch self {
        case .loss, .maskedLMLoss: value < other
        case .accuracy, .f1, .macroF1, .matthews, .pearson, .spearman, .maskedLMAccuracy,
            .nextSentenceAccuracy, .precision, .recall:
            value > other
        }
    }
}
