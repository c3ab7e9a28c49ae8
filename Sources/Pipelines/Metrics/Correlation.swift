/// Why two series of numbers have no correlation.
public enum UndefinedCorrelation: String, Hashable, Sendable, CustomStringConvertible {
    case constantPredictions = "the model gives all examples the same number"
    case constantTargets = "all examples have the same number"
    case singleExample = "there is only one example"

    public var description: String { rawValue }

    init?(predictions: [Float], targets: [Float]) {
        if targets.count < 2 {
            self = .singleExample
        } else if targets.allSatisfy({ $0 == targets[0] }) {
            self = .constantTargets
        } else if predictions.allSatisfy({ $0 == predictions[0] }) {
            self = .constantPredictions
        } else {
            return nil
        }
    }
}

/// Pearson's correlation, Σ(x - x̄)(y - ȳ) / √(Σ(x - x̄)² Σ(y - ȳ)²); `nil` when rounding makes either constant.
func correlation(_ x: [Double], _ y: [Double]) -> Double? {
    let meanX = x.reduce(0, +) / Double(x.count)
    let meanY = y.reduce(0, +) / Double(y.count)
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for (x, y) in zip(x, y) {
        xy += (x - meanX) * (y - meanY)
        xx += (x - meanX) * (x - meanX)
        yy += (y - meanY) * (y - meanY)
    }
    // Each root on its own: the product of very small squares would be 0.
    return xx > 0 && yy > 0 ? xy / (xx.squareRoot() * yy.squareRoot()) : nil
}

/// The place of each number in ascending order, counted from 1; equal ones share the mean of their places.
func ranks(_ numbers: [Double]) -> [Double] {
    let order = numbers.indices.sorted { numbers[$0] < numbers[$1] }
    var ranks = [Double](repeating: 0, count: numbers.count)
    var start = 0
    while start < order.count {
        let end = order[start...].firstIndex { numbers[$0] != numbers[order[start]] } ?? order.count
        for place in start..<end { ranks[order[place]] = Double(start + 1 + end) / 2 }
        start = end
    }
    return ranks
}
