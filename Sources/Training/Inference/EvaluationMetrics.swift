import Foundation

/// How good a model is on a data set with labels.
public struct EvaluationMetrics: Hashable, Sendable {
    public let count: Int
    /// Mean cross-entropy in nats, or mean squared error.
    public let loss: Double
    /// `confusion[actual][predicted]`, examples by label; empty for regression.
    public let confusion: [[Int]]
    /// Pearson's correlation of predicted and actual numbers; `nil` for classification, or when either is
    /// constant.
    public let pearson: Double?
    /// Spearman's rank correlation of predicted and actual numbers; `nil` when `pearson` is.
    public let spearman: Double?
    /// Of pre-training alone.
    public let pretraining: PretrainingMetrics?

    /// Metrics of a classifier.
    /// - Parameters:
    ///   - logits: `[examples][labels]`.
    ///   - targets: the index of each example's label.
    package init(logits: [[Float]], targets: [Int], labelCount: Int) {
        var confusion = Array(repeating: Array(repeating: 0, count: labelCount), count: labelCount)
        var loss = 0.0
        for (row, target) in zip(logits, targets) {
            // The first of equal logits, as argmax has it.
            let best = row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
            confusion[target][best] += 1
            let top = Double(row[best])
            loss += top + log(row.reduce(0.0) { $0 + exp(Double($1) - top) }) - Double(row[target])
        }
        count = targets.count
        self.loss = loss / Double(targets.count)
        self.confusion = confusion
        pearson = nil
        spearman = nil
        pretraining = nil
    }

    /// Metrics of pre-training.
    /// - Parameter count: sentence pairs.
    init(_ metrics: PretrainingMetrics, count: Int) {
        self.count = count
        loss = metrics.maskedLMLoss + metrics.nextSentenceLoss
        confusion = []
        (pearson, spearman) = (nil, nil)
        pretraining = metrics
    }

    /// Metrics of a regression model.
    package init(predictions: [Float], targets: [Float]) {
        let (predictions, targets) = (predictions.map(Double.init), targets.map(Double.init))
        count = targets.count
        loss = zip(predictions, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(count)
        confusion = []
        pearson = correlation(predictions, targets)
        spearman = correlation(ranks(predictions), ranks(targets))
        pretraining = nil
    }

    /// The value of a metric; `nil` when the task does not have it, or it is not defined.
    public func value(_ metric: TrainingMetric) -> Double? {
        switch metric {
        case .loss: loss
        case .accuracy: accuracy
        case .f1: f1
        case .macroF1: macroF1
        case .matthews: matthews
        case .pearson: pearson
        case .spearman: spearman
        case .maskedLMLoss: pretraining?.maskedLMLoss
        case .maskedLMAccuracy: pretraining?.maskedLMAccuracy
        case .nextSentenceAccuracy: pretraining?.nextSentenceAccuracy
        }
    }
}
