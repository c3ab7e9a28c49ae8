// Metrics of a classifier, from how many examples of each label got which label. They are `nil` for regression.
// Where a quotient is 0 / 0, it is 0, as scikit-learn has it.
extension EvaluationMetrics {
    /// `confusion[actual][predicted]`, examples by label; empty for regression. Of many labels it is large:
    /// `confusionCounts` is not.
    public var confusion: [[Int]] { confusionCounts?.matrix ?? [] }

    /// Share of examples whose most probable label, or choice, is right.
    public var accuracy: Double? {
        (rightChoices ?? confusionCounts?.rightCount).map { Double($0) / Double(count) }
    }

    /// The F1 of entities for a token classifier, that of the answers' words for question answering; otherwise that of the
    /// label with id 1, `nil` unless there are two labels.
    public var f1: Double? {
        entities?.f1 ?? answers?.all.f1 ?? confusionCounts.flatMap { $0.labelCount == 2 ? $0.f1(of: 1) : nil }
    }

    /// Mean of the F1 of all labels that examples have or got.
    public var macroF1: Double? {
        guard let confusionCounts, case let occurring = confusionCounts.occurring, !occurring.isEmpty else {
            return nil
        }
        return occurring.reduce(0) { $0 + confusionCounts.f1(of: $1) } / Double(occurring.count)
    }

    /// Matthews' correlation coefficient, also of more than two labels (Gorodkin 2004): with n examples, r right ones,
    /// aₖ with label k and pₖ that got it, (n r - Σ aₖ pₖ) / √((n² - Σ aₖ²) (n² - Σ pₖ²)).
    public var matthews: Double? {
        guard let confusionCounts else { return nil }
        let labels = confusionCounts.occurring
        func sum(_ one: [Int: Int], _ other: [Int: Int]) -> Double {
            labels.reduce(0) { $0 + Double(one[$1] ?? 0) * Double(other[$1] ?? 0) }
        }
        let (actual, predicted) = (confusionCounts.actual, confusionCounts.predicted)
        let n = Double(count)
        let covariance = n * Double(confusionCounts.rightCount) - sum(actual, predicted)
        let variance = (n * n - sum(actual, actual)) * (n * n - sum(predicted, predicted))
        return variance == 0 ? 0 : covariance / variance.squareRoot()
    }
}

extension ConfusionCounts {
    fileprivate var rightCount: Int { right.values.reduce(0, +) }

    /// 2 right / (actual + predicted), the harmonic mean of precision and recall.
    fileprivate func f1(of label: Int) -> Double {
        let sum = (actual[label] ?? 0) + (predicted[label] ?? 0)
        return sum == 0 ? 0 : 2 * Double(right[label] ?? 0) / Double(sum)
    }
}
