import Foundation

/// How well a model guesses masked tokens and tells whether sentences follow one another.
public struct PretrainingMetrics: Hashable, Sendable {
    /// Mean cross-entropy of the masked tokens in nats.
    public let maskedLMLoss: Double
    /// Share of masked tokens that are guessed.
    public let maskedLMAccuracy: Double
    /// Mean cross-entropy of the sentence pairs in nats.
    public let nextSentenceLoss: Double
    /// The share of pairs that were told right, 0 to 1.
    public let nextSentenceAccuracy: Double

    package init(words: GuessCounter, pairs: GuessCounter) {
        maskedLMLoss = words.loss
        maskedLMAccuracy = words.accuracy
        nextSentenceLoss = pairs.loss
        nextSentenceAccuracy = pairs.accuracy
    }
}

/// Collects the guesses of a classifier over batches.
package struct GuessCounter {
    private var count = 0
    private var right = 0
    private var losses = 0.0

    package init() {}

    /// - Parameters:
    ///   - logits: [targets, classes].
    ///   - targets: the right class of each row.
    package mutating func add(logits: [Float], targets: [Int32]) {
        let classes = logits.count / max(1, targets.count)
        logits.withUnsafeBufferPointer { logits in
            for (row, target) in targets.enumerated() {
                let row = UnsafeBufferPointer(rebasing: logits[(row * classes)..<((row + 1) * classes)])
                var best = 0
                for index in row.indices where row[index] > row[best] { best = index }
                let top = row[best]
                // Terms of at most 1 in fp32, their sum in fp64.
                let sum = row.reduce(0.0) { $0 + Double(exp($1 - top)) }
                losses += Double(top) + log(sum) - Double(row[Int(target)])
                right += best == Int(target) ? 1 : 0
                count += 1
            }
        }
    }

    /// Mean cross-entropy in nats.
    var loss: Double { count == 0 ? 0 : losses / Double(count) }
    var accuracy: Double { count == 0 ? 0 : Double(right) / Double(count) }
}
