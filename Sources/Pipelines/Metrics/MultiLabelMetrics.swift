import Foundation

/// How good a classifier is that gives any number of labels: those whose probability is at least a threshold.
///
/// The figures are scikit-learn's for `average="micro"`, `"macro"` and `"samples"`, and `accuracy_score`. Where a quotient is 0 / 0, it
/// is 0.
public struct MultiLabelMetrics: Hashable, Sendable {
    /// The probability from which on a label is given.
    public let threshold: Double
    /// Examples.
    public private(set) var count = 0
    private var lossSum = 0.0
    private var exact = 0
    private var sampleSum = 0.0
    /// By label: examples that have it, that got it, and both.
    private var actual: [Int]
    private var predicted: [Int]
    private var right: [Int]

    package init(labelCount: Int, threshold: Double) {
        self.threshold = threshold
        actual = Array(repeating: 0, count: labelCount)
        (predicted, right) = (actual, actual)
    }

    /// Counts an example.
    /// - Parameters:
    ///   - logits: one for each label.
    ///   - actual: the indices of its labels.
    package mutating func add(logits: [Float], actual set: [Int32]) {
        let given = logits.indices.filter { sigmoid(logits[$0]) >= threshold }
        let wanted = Set(set.map(Int.init))
        let common = given.filter(wanted.contains)
        for label in wanted { actual[label] += 1 }
        for label in given { predicted[label] += 1 }
        for label in common { right[label] += 1 }
        count += 1
        exact += given.count == wanted.count && common.count == given.count ? 1 : 0
        sampleSum += Self.f1(common.count, of: given.count + wanted.count)
        let losses = logits.enumerated().map { label, logit in
            max(Double(logit), 0) - (wanted.contains(label) ? Double(logit) : 0)
                + log1p(exp(-abs(Double(logit))))
        }
        lossSum += losses.reduce(0, +) / Double(max(1, losses.count))
    }

    /// Mean binary cross-entropy of all labels, in nats.
    public var loss: Double { count == 0 ? 0 : lossSum / Double(count) }
    /// Share of examples whose labels are all right.
    public var accuracy: Double { count == 0 ? 0 : Double(exact) / Double(count) }
    /// F1 of all pairs of an example and a label.
    public var microF1: Double {
        Self.f1(right.reduce(0, +), of: actual.reduce(0, +) + predicted.reduce(0, +))
    }
    /// Mean F1 of the labels.
    public var macroF1: Double {
        let sum = actual.indices.reduce(0.0) { $0 + Self.f1(right[$1], of: actual[$1] + predicted[$1]) }
        return sum / Double(max(1, actual.count))
    }
    /// Mean F1 of the examples' sets of labels.
    public var sampleF1: Double { count == 0 ? 0 : sampleSum / Double(count) }

    private static func f1(_ right: Int, of both: Int) -> Double {
        both == 0 ? 0 : 2 * Double(right) / Double(both)
    }
}
