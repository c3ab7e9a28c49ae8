/// How many examples of each label got which label, without the pairs of labels that no example has: as large as the
/// examples are many, not as the labels are.
public struct ConfusionCounts: Hashable, Sendable {
    /// Indices of labels.
    public struct Pair: Hashable, Sendable {
        /// The index of the label in the data.
        public let actual: Int
        /// The index of the label that the model gave.
        public let predicted: Int
    }

    /// How many labels there are.
    public let labelCount: Int
    /// How many examples there are of each pair; pairs without examples are absent.
    public private(set) var counts: [Pair: Int] = [:]
    /// Examples by their label, by the label that they got, and those for which both are the same.
    private(set) var actual: [Int: Int] = [:]
    private(set) var predicted: [Int: Int] = [:]
    private(set) var right: [Int: Int] = [:]

    init(labelCount: Int) { self.labelCount = labelCount }

    mutating func add(actual label: Int, predicted guess: Int) {
        counts[Pair(actual: label, predicted: guess), default: 0] += 1
        actual[label, default: 0] += 1
        predicted[guess, default: 0] += 1
        if label == guess { right[label, default: 0] += 1 }
    }

    /// The labels that examples have or got, ascending.
    var occurring: [Int] { Set(actual.keys).union(predicted.keys).sorted() }

    /// The pairs with their counts, by label and then by the label that was got.
    public var sorted: [(pair: Pair, count: Int)] {
        counts.sorted { ($0.key.actual, $0.key.predicted) < ($1.key.actual, $1.key.predicted) }.map {
            (pair: $0.key, count: $0.value)
        }
    }

    /// The pairs of different labels, the most frequent first.
    public var mistakes: [(pair: Pair, count: Int)] {
        sorted.enumerated().filter { $1.pair.actual != $1.pair.predicted }.sorted {
            ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
        }.map(\.element)
    }

    /// `matrix[actual][predicted]`, which has the square of the labels' count of numbers.
    public var matrix: [[Int]] {
        var matrix = Array(repeating: Array(repeating: 0, count: labelCount), count: labelCount)
        for (pair, count) in counts { matrix[pair.actual][pair.predicted] = count }
        return matrix
    }
}
