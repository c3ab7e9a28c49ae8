/// How well scores tell pairs with label 1 from pairs with label 0, as sentence-transformers'
/// `CrossEncoderClassificationEvaluator` measures it: with the threshold that is best on these pairs.
public struct PairMetrics: Hashable, Sendable {
    /// Share of right labels, with the threshold for which it is greatest.
    public let accuracy: Double
    /// F1 of label 1, with the threshold for which it is greatest; precision and recall with the same.
    public let (f1, precision, recall): (Double, Double, Double)
    /// The mean of precisions, weighted by the recall that each adds; it needs no threshold.
    public let averagePrecision: Double

    /// - Returns: `nil` unless all labels are 0 or 1, and there are both.
    package init?(scores: [Float], labels: [Float]) {
        let positives = labels.count { $0 == 1 }
        guard positives > 0, positives < labels.count, labels.allSatisfy({ $0 == 0 || $0 == 1 }) else {
            return nil
        }
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        let count = Double(labels.count)
        var best = (accuracy: 0.0, f1: 0.0, precision: 0.0, recall: 0.0)
        var (right, lastRecall, average) = (0, 0.0, 0.0)
        for (place, index) in order.enumerated() {
            right += labels[index] == 1 ? 1 : 0
            let isLast = place + 1 == order.count
            // Equal scores are on the same side of any threshold.
            guard isLast || scores[order[place + 1]] != scores[index] else { continue }
            let precision = Double(right) / Double(place + 1)
            let recall = Double(right) / Double(positives)
            average += (recall - lastRecall) * precision
            lastRecall = recall
            guard !isLast else { continue }
            let wrong = place + 1 - right
            best.accuracy = max(best.accuracy, Double(right + labels.count - positives - wrong) / count)
            let f1 = right == 0 ? 0 : 2 * precision * recall / (precision + recall)
            if f1 > best.f1 { (best.f1, best.precision, best.recall) = (f1, precision, recall) }
        }
        (accuracy, f1, precision, recall) = (best.accuracy, best.f1, best.precision, best.recall)
        averagePrecision = average
    }
}
