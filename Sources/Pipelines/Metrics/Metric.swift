/// How good a model is, and what decides which evaluation was the best.
public enum Metric: String, Sendable, CaseIterable {
    /// Mean loss over examples; lower is better, as of masked tokens, of all others higher.
    case loss
    /// Share of right labels; of several, share of examples all of whose labels are right; of scores of pairs, with the best
    /// threshold.
    case accuracy
    /// F1 of the label with id 1, for two labels; of a token classifier, that of entities; of answers, that of their words.
    case f1
    /// Mean F1 of the labels.
    case macroF1 = "macro_f1"
    /// F1 of all pairs of an example and a label, of several labels.
    case microF1 = "micro_f1"
    /// Mean F1 of the examples' sets of labels.
    case sampleF1 = "sample_f1"
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
    /// The mean of precisions of label 1, weighted by the recall that each adds, of pairs with labels 0 and 1.
    case averagePrecision = "average_precision"
    /// Share of questions whose answer is right.
    case exactMatch = "exact_match"
    /// Share of the questions with an answer whose answer is right (`HasAns_exact` of SQuAD's script).
    case answerableExactMatch = "has_answer_exact_match"
    /// F1 of the answers' words, of questions with an answer (`HasAns_f1`).
    case answerableF1 = "has_answer_f1"
    /// Share of the questions without an answer for which none is given (`NoAns_exact`).
    case unanswerableExactMatch = "no_answer_exact_match"
    /// Share of negatives that are less similar to their anchor than its positive, by the cosine.
    case cosineAccuracy = "cosine_accuracy"
    /// Normalised discounted cumulative gain of the first 10 documents that queries find.
    case ndcgAt10 = "ndcg@10"
    /// Mean reciprocal rank of the first relevant document among the first 10.
    case mrrAt10 = "mrr@10"
    /// Mean average precision of the first 100 documents.
    case mapAt100 = "map@100"
    /// Share of the relevant documents that are the first one that a query finds.
    case recallAt1 = "recall@1"
    /// Share of the relevant documents among the first 10.
    case recallAt10 = "recall@10"
    /// Share of the relevant documents among the first 100.
    case recallAt100 = "recall@100"

    /// Whether a value is strictly better than another.
    package func isBetter(_ value: Double, than other: Double) -> Bool {
        switch self {
        case .loss, .maskedLMLoss: value < other
        case .accuracy, .f1, .macroF1, .microF1, .sampleF1, .matthews, .pearson, .spearman, .maskedLMAccuracy,
            .nextSentenceAccuracy, .precision, .recall, .averagePrecision, .exactMatch, .answerableExactMatch,
            .answerableF1,
            .unanswerableExactMatch, .cosineAccuracy, .ndcgAt10, .mrrAt10, .mapAt100, .recallAt1, .recallAt10,
            .recallAt100:
            value > other
        }
    }
}
