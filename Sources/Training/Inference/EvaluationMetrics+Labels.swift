// Metrics of a classifier, from how many examples of each label got which label. They are `nil` for regression.
// Where a quotient is 0 / 0, it is 0, as scikit-learn has it.
extension EvaluationMetrics {
    /// Share of examples whose most probable label is right.
    public var accuracy: Double? {
        confusion.isEmpty ? nil : Double(rightCount) / Double(count)
    }

    /// Of a token classifier the F1 of entities; else that of the label with id 1, `nil` unless there are two labels.
    public var f1: Double? { entities?.f1 ?? (confusion.count == 2 ? f1(of: 1) : nil) }

    /// Mean of the F1 of all labels that examples have or got.
    public var macroF1: Double? {
        let occurring = confusion.indices.filter { actualCount($0) + predictedCount($0) > 0 }
        guard !occurring.isEmpty else { return nil }
        return occurring.reduce(0) { $0 + f1(of: $1) } / Double(occurring.count)
    }

    /// Matthews' correlation coefficient, also of more than two labels (Gorodkin 2004): with n examples, r right ones,
    /// aₖ with label k and pₖ that got it, (n r - Σ aₖ pₖ) / √((n² - Σ aₖ²) (n² - Σ pₖ²)).
    public var matthews: Double? {
        guard !confusion.isEmpty else { return nil }
        let labels = confusion.indices
        func sum(_ term: (Int) -> Int) -> Double { labels.reduce(0) { $0 + Double(term($1)) } }
        let n = Double(count)
        let covariance = n * Double(rightCount) - sum { actualCount($0) * predictedCount($0) }
        let actual = n * n - sum { actualCount($0) * actualCount($0) }
        let predicted = n * n - sum { predictedCount($0) * predictedCount($0) }
        return actual * predicted == 0 ? 0 : covariance / (actual * predicted).squareRoot()
    }

    /// 2 right / (actual + predicted), the harmonic mean of precision and recall.
    private func f1(of label: Int) -> Double {
        let sum = actualCount(label) + predictedCount(label)
        return sum == 0 ? 0 : 2 * Double(confusion[label][label]) / Double(sum)
    }

    private var rightCount: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }

    private func actualCount(_ label: Int) -> Int { confusion[label].reduce(0, +) }

    private func predictedCount(_ label: Int) -> Int { confusion.reduce(0) { $0 + $1[label] } }
}
