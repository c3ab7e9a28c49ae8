import Foundation

/// How good a model is on a data set with labels.
public struct EvaluationMetrics: Hashable, Sendable {
    public let count: Int
    /// Mean cross-entropy in nats, or mean squared error.
    public let loss: Double
    /// Share of examples whose most probable label is right; `nil` for regression.
    public let accuracy: Double?
    /// `confusion[actual][predicted]`, examples by label; empty for regression.
    public let confusion: [[Int]]
    /// Pearson's correlation of predicted and actual numbers; `nil` for classification, or when either is
    /// constant.
    public let pearson: Double?

    /// Metrics of a classifier.
    /// - Parameters:
    ///   - logits: `[examples][labels]`.
    ///   - targets: the index of each example's label.
    init(logits: [[Float]], targets: [Int], labelCount: Int) {
        var confusion = Array(repeating: Array(repeating: 0, count: labelCount), count: labelCount)
        var loss = 0.0
        for (row, target) in zip(logits, targets) {
            // The first of equal logits, as argmax has it.
            let best = row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
            confusion[target][best] += 1
            let top = Double(row[best])
            loss += top + log(row.reduce(0.0) { $0 + exp(Double($1) - top) }) - Double(row[target])
        }
        let right = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
        count = targets.count
        self.loss = loss / Double(targets.count)
        accuracy = Double(right) / Double(targets.count)
        self.confusion = confusion
        pearson = nil
    }

    /// Metrics of a regression model.
    init(predictions: [Float], targets: [Float]) {
        let pairs = zip(predictions, targets).map { (Double($0), Double($1)) }
        count = targets.count
        loss = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(targets.count)
        accuracy = nil
        confusion = []
        pearson = correlation(pairs)
    }
}

/// Σ(x - x̄)(y - ȳ) / √(Σ(x - x̄)² Σ(y - ȳ)²)
private func correlation(_ pairs: [(Double, Double)]) -> Double? {
    let meanX = pairs.reduce(0) { $0 + $1.0 } / Double(pairs.count)
    let meanY = pairs.reduce(0) { $0 + $1.1 } / Double(pairs.count)
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for (x, y) in pairs {
        xy += (x - meanX) * (y - meanY)
        xx += (x - meanX) * (x - meanX)
        yy += (y - meanY) * (y - meanY)
    }
    return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : nil
}
