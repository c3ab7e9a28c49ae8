import Encoders
import GraphCompiler
import Support
import Text

extension EncoderPipeline {
    /// Metrics of the vectors on examples of several texts: correlations of the cosines of pairs with their scores, as
    /// sentence-transformers' `EmbeddingSimilarityEvaluator` has them, or of triplets and several negatives the share of
    /// negatives that are less similar than the positive, as its `TripletEvaluator` has it.
    package func evaluate(_ dataset: GroupedDataset) throws -> EvaluationMetrics {
        let count = dataset.textCount
        if count == 2, let numbers = dataset.numbers, numbers.allSatisfy({ $0.count == 1 }) {
            let pairs = try (0..<2).map { text in try embed(dataset.texts.map { TextPair($0[text]) }) }
            return EvaluationMetrics(
                SimilarityMetrics(), count: dataset.count, loss: .nan,
                cosines: zip(pairs[0], pairs[1]).map(VectorSimilarity.cosine), scores: numbers.map { $0[0] })
        }
        guard count > 2 else {
            throw ModelError(
                .invalidInput,
                "has pairs without scores, which say nothing about vectors; expected scores, triplets, or --queries with "
                    + "--corpus and --relevance", at: dataset.file)
        }
        let columns = try (0..<count).map { text in
            try embed(
                dataset.texts.map { TextPair($0[text]) }, prompt: text == 0 ? queryPrompt : documentPrompt)
        }
        let groups = (0..<dataset.count).map { example in columns.map { $0[example] } }
        return EvaluationMetrics(
            SimilarityMetrics(cosineAccuracy: VectorSimilarity.cosineAccuracy(groups)),
            count: dataset.count, loss: .nan)
    }

    /// Metrics of what queries find in a corpus, as sentence-transformers' `InformationRetrievalEvaluator` has them.
    package func evaluate(_ dataset: RetrievalDataset) throws -> EvaluationMetrics {
        let queries = try embed(dataset.queries.texts.map { TextPair($0) }, prompt: queryPrompt)
        let documents = try embed(dataset.documents.texts.map { TextPair($0) }, prompt: documentPrompt)
        let metrics = RetrievalMetrics(
            queries: queries, documents: documents, relevant: dataset.relevant, order: dataset.order,
            runner: Compiler.tasks(threads: nil))
        return EvaluationMetrics(
            SimilarityMetrics(retrieval: metrics), count: dataset.relevant.count { !$0.isEmpty }, loss: .nan)
    }

    /// The prompts of `encode_query` and `encode_document`.
    private var queryPrompt: EmbeddingPrompt { prompt(named: ["query"]) }
    private var documentPrompt: EmbeddingPrompt { prompt(named: ["document", "passage", "corpus"]) }

    private func prompt(named names: [String]) -> EmbeddingPrompt {
        names.first { sentence?.prompts[TextKey($0)] != nil }.map(EmbeddingPrompt.named) ?? .usual
    }
}
