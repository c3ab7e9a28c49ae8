import Foundation

/// A document with the score that a cross-encoder gives it for a query.
public struct RankedDocument: Hashable, Sendable {
    /// Its place among the documents that were given.
    public let index: Int
    /// The higher the better.
    public let score: Float
}

extension EncoderPipeline {
    /// The documents in the order of how well they answer a query, as `CrossEncoder.rank` gives them; of equal scores the
    /// first one comes first.
    ///
    /// - Throws: `ModelError` when the model does not give one number for a pair of texts, or an input is too long.
    public func rank(_ documents: [String], for query: String) throws -> [RankedDocument] {
        let scores = try score(documents.map { TextPair(query, pair: $0) })
        return scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.map {
            RankedDocument(index: $0, score: scores[$0])
        }
    }

    /// What becomes of the logit of a model with one label: what sentence-transformers' `activation_fn` says where the
    /// configuration has it.
    func activated(_ logit: Float) -> Float {
        let name = config.unknownKeys["sentence_transformers"]?["activation_fn"]?.string ?? ""
        return name.hasSuffix(".Sigmoid") ? Float(sigmoid(logit)) : logit
    }
}
