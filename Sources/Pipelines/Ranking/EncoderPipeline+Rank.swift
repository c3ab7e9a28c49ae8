import Encoders
import Support
import Text

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

    /// Metrics of a cross-encoder on queries with documents, those that a training with the task `reranking` prints.
    package func evaluateRanking(_ dataset: GroupedDataset) throws -> EvaluationMetrics {
        guard head == .regression else { throw wrongTask("rank documents") }
        var labels: [[Float]] = []
        for example in dataset.texts.indices { labels.append(try dataset.documentLabels(of: example)) }
        let lists = RankedLists(dataset, labels: labels)
        let places = dataset.texts.indices.flatMap { example in
            dataset.texts[example].indices.dropFirst().map { (example, $0) }
        }
        let encodings = try encode(
            places.map { TextPair(dataset.texts[$0][0], pair: dataset.texts[$0][$1]) },
            place: { "\(dataset.file):\(dataset.lines[places[$0].0])" })
        let scores = try runner(for: .head).rows(of: "logits", on: encodings) { $1.first ?? 0 }
        return lists.metrics(of: scores, loss: .nan)
    }

    /// Whether the model is a cross-encoder of sentence-transformers, whose configuration says what becomes of its logit.
    package var isCrossEncoder: Bool {
        head == .regression
            && (config.unknownKeys["sentence_transformers"] != nil
                || config.unknownKeys[Self.formerKey] != nil)
    }

    /// What versions of sentence-transformers before 4 wrote.
    private static let formerKey = "sbert_ce_default_activation_function"

    /// What becomes of the logit of a model with one label: what sentence-transformers' `activation_fn` says where the
    /// configuration has it.
    func activated(_ logit: Float) -> Float {
        let name =
            config.unknownKeys["sentence_transformers"]?["activation_fn"]
            ?? config.unknownKeys[Self.formerKey]
        return name?.string?.hasSuffix(".Sigmoid") == true ? Float(sigmoid(logit)) : logit
    }
}
