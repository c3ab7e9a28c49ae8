import Encoders
import Foundation
import Support
import TestSupport
import Text

/// A two-layer BERT with random weights and a vocabulary of 18 tokens, as a model directory.
enum TinyModel {
    static let tokens =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        + ["a", "fine", "film", "bad", "is", "it", "not", "the", "very", ".", "##s", "##ly", "plot"]

    static func config(labels: [String] = []) -> EncoderConfig {
        var config = EncoderConfig()
        config.vocabularySize = tokens.count
        config.hiddenSize = 16
        config.layers = 2
        config.heads = 2
        config.feedForwardSize = 32
        config.maxPositions = 12
        config.normPosition = .post
        config.labels = labels
        return config
    }

    /// Writes configuration, weights and vocabulary into `directory` of `scratch`.
    static func write(
        _ head: EncoderHead, labels: [String] = [], to scratch: TemporaryDirectory,
        _ directory: String = "model"
    ) throws {
        var config = config(labels: labels)
        if head == .regression { config.problemType = .regression }
        if case .multiLabelClassification = head { config.problemType = .multiLabel }
        let parameters = try EncoderGraph(config: config, head: head, isTraining: false).build().parameters
        var random = SplitMix64(seed: 7)
        try EncoderCheckpoint.save(
            to: scratch.url(directory), config: config, architecture: head.architecture,
            parameters: parameters,
            values: Dictionary(
                uniqueKeysWithValues: parameters.map { spec in
                    (spec.name, (0..<spec.count).map { _ in Float.random(in: -0.5...0.5, using: &random) })
                }))
        try scratch.write("\(directory)/vocab.txt", tokens.joined(separator: "\n") + "\n")
    }
}
