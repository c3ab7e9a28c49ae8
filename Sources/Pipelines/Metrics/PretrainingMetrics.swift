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

/// How a model guesses one token or pair.
package struct PretrainingGuess: BitwiseCopyable, Sendable {
    /// Cross-entropy in nats.
    let loss: Double
    let isRight: Bool
}

/// Collects the guesses of a classifier over batches.
package struct GuessCounter {
    private var count = 0
    private var right = 0
    private var losses = 0.0

    package init() {}

    /// - Parameter guesses: of each target, as `guesses` gives them.
    package mutating func add(_ guesses: some Sequence<PretrainingGuess>) {
        for guess in guesses {
            losses += guess.loss
            right += guess.isRight ? 1 : 0
            count += 1
        }
    }

    /// The cross-entropy of each row in nats, and whether its largest logit is the right one's.
    ///
    /// - Parameters:
    ///   - logits: [targets, classes].
    ///   - targets: the right class of each row.
    package static func guesses(logits: [Float], targets: [Int32]) -> [PretrainingGuess] {
        let classes = logits.count / max(1, targets.count)
        return logits.withUnsafeBufferPointer { logits in
            targets.enumerated().map { row, target in
                let row = UnsafeBufferPointer(rebasing: logits[(row * classes)..<((row + 1) * classes)])
                var best = 0
                for index in row.indices where row[index] > row[best] { best = index }
                let top = row[best]
                // Terms of at most 1 in fp32, their sum in fp64.
                let sum = row.reduce(0.0) { $0 + Double(exp($1 - top)) }
                return PretrainingGuess(
                    loss: Double(top) + log(sum) - Double(row[Int(target)]), isRight: best == Int(target))
            }
        }
    }

    /// Mean cross-entropy in nats.
    var loss: Double { count == 0 ? 0 : losses / Double(count) }
    var accuracy: Double { count == 0 ? 0 : Double(right) / Double(count) }
}
