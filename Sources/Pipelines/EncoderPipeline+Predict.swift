import Encoders
import Foundation

/// What a classifier says about one text, or a token classifier about one word.
public struct Classification: Hashable, Sendable {
    /// The most probable label.
    public let label: String
    /// Its index among the model's labels.
    public let index: Int
    /// One a label, in the order of the model's labels; their sum is 1.
    public let probabilities: [Float]

    /// The probability of `label`.
    public var probability: Float { probabilities[index] }
}

extension EncoderPipeline {
    /// The label of each input with the probabilities of all labels.
    ///
    /// - Throws: `ModelError` when the model is no classifier or an input is too long.
    public func classify(_ inputs: [TextPair]) throws -> [Classification] {
        guard case .classification = head else { throw wrongTask("classify texts") }
        let labels = labels
        return try logits(inputs).map { Classification(logits: $0, labels: labels) }
    }

    /// The probability of each label of each input, independent of the others', in the order of `labels`; of a model that gives any number of
    /// labels.
    ///
    /// - Throws: `ModelError` when the model is no multi-label classifier or an input is too long.
    public func labelProbabilities(_ inputs: [TextPair]) throws -> [[Float]] {
        guard case .multiLabelClassification = head else { throw wrongTask("give several labels") }
        return try logits(inputs).map { $0.map { Float(sigmoid($0)) } }
    }

    /// The label of each word of each sentence. A sentence that is too long is labelled piece by piece.
    ///
    /// - Throws: `ModelError` when the model is no token classifier or a sentence is too long.
    public func classify(words sentences: [[String]]) throws -> [[Classification]] {
        guard case .tokenClassification = head else { throw wrongTask("classify words") }
        let labels = labels
        let pieces = try sentences.enumerated().map { index, words in
            try self.pieces(of: words, place: "sentence \(index + 1)")
        }
        var rows = try wordLogits(pieces.flatMap { $0 })[...]
        return pieces.map { pieces in
            defer { rows = rows.dropFirst(pieces.count) }
            return rows.prefix(pieces.count).joined().map { Classification(logits: $0, labels: labels) }
        }
    }

    /// The number that a regression model or a cross-encoder gives each input.
    ///
    /// - Throws: `ModelError` when the model is not one for regression or an input is too long.
    public func score(_ inputs: [TextPair]) throws -> [Float] {
        guard head == .regression else { throw wrongTask("give numbers") }
        return try logits(inputs).map { activated($0[0]) }
    }

    func logits(_ inputs: [TextPair]) throws -> [[Float]] {
        try run(.head, output: "logits", on: encode(inputs, place: { "text \($0 + 1)" }))
    }

    func wrongTask(_ wanted: String) -> ModelError {
        let kind =
            switch head {
            case .encoder where sentence != nil: "an embedding model"
            case .encoder:
                config.architecture == nil
                    ? config.architectures.first.map { "a \($0)" } ?? "a plain encoder"
                    : "a plain encoder"
            case .classification: "a classifier"
            case .regression: "a regression model"
            case .multiLabelClassification: "a multi-label classifier"
            case .multipleChoice: "a model for multiple choice"
            case .questionAnswering: "a model for question answering"
            case .tokenClassification: "a token classifier"
            case .maskedLM: "a masked language model"
            case .pretraining: "a pre-trained model"
            case .nextSentencePrediction: "a classifier of next sentences"
            case .discriminator: "a discriminator of replaced tokens"
            }
        return ModelError(
            .wrongTask, "is \(kind) and cannot \(wanted); fine-tune it for that first, or use another model",
            at: path)
    }
}

extension Classification {
    init(logits: [Float], labels: [String]) {
        let probabilities = softmax(logits)
        let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
        self.init(label: labels[best], index: best, probabilities: probabilities.map { Float($0) })
    }
}
