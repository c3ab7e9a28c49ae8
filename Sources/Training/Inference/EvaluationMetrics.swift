import Foundation

/// How good a model is on a data set with labels.
public struct EvaluationMetrics: Hashable, Sendable {
    /// Examples; of a token classifier, labelled words.
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
    /// Of a token classifier alone.
    public private(set) var entities: EntityMetrics?

    /// Metrics of a classifier.
    /// - Parameters:
    ///   - logits: `[examples][labels]`.
    ///   - targets: the index of each example's label.
    package init(logits: [[Float]], targets: [Int], labelCount: Int) {
        var confusion = Array(repeating: Array(repeating: 0, count: labelCount), count: labelCount)
        var loss = 0.0
        for (row, target) in zip(logits, targets) {
            let best = argmax(row)
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

    /// Metrics of a token classifier.
    /// - Parameters:
    ///   - logits: `[sentences][words][labels]`.
    ///   - targets: `[sentences][words]`, the index of each word's label.
    ///   - labels: names such as `O`, `B-PER`, `I-PER`.
    package init(logits: [[[Float]]], targets: [[Int32]], labels: [String]) {
        self.init(
            logits: logits.flatMap { $0 }, targets: targets.joined().map(Int.init), labelCount: labels.count)
        var entities = EntityMetrics()
        for (rows, targets) in zip(logits, targets) {
            entities.add(
                actual: targets.map { labels[Int($0)] }, predicted: rows.map { labels[argmax($0)] })
        }
        self.entities = entities
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
        case .precision: entities?.precision
        case .recall: entities?.recall
        }
    }
}

/// The index of the first of the greatest numbers.
func argmax(_ row: [Float]) -> Int { row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 } }
