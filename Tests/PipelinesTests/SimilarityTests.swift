import Foundation
import Support
import TestSupport
import Testing

@testable import Pipelines
@testable import Text

/// Metrics of vectors next to sentence-transformers' evaluators (`Fixtures/make_similarity.py`).
@Suite struct SimilarityTests {
    private static func expected() throws -> JSONValue {
        let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/similarity.json")
        return try JSONValue(parsing: Data(contentsOf: file))
    }

    private static func rows(_ value: JSONValue?) -> [[Int]] {
        value?.array?.map { $0.array?.compactMap(\.integer) ?? [] } ?? []
    }

    private static func vectors(_ value: JSONValue) -> [[Float]] {
        value["vectors"]?.array?.map { $0.array?.compactMap { $0.double.map { Float($0) } } ?? [] } ?? []
    }

    private static func isNear(_ a: Double?, _ b: Double?) -> Bool {
        guard let a, let b else { return false }
        return abs(a - b) <= 1e-6
    }

    @Test func retrieval() throws {
        let value = try Self.expected()
        let (vectors, part) = (Self.vectors(value), value["retrieval"])
        let queries = part?["queries"]?.array?.compactMap(\.integer) ?? []
        let documents = part?["documents"]?.array?.compactMap(\.integer) ?? []
        let places = Dictionary(uniqueKeysWithValues: documents.enumerated().map { ($1, $0) })
        // Identifiers are texts: "100" comes before "12".
        let ids = documents.map { TextKey("\($0)") }
        var order = [Int](repeating: 0, count: ids.count)
        for (place, index) in ids.indices.sorted(by: { ids[$0] < ids[$1] }).enumerated() {
            order[index] = place
        }
        let metrics = RetrievalMetrics(
            queries: queries.map { vectors[$0] }, documents: documents.map { vectors[$0] },
            relevant: Self.rows(part?["relevant"]).map { Set($0.compactMap { places[$0] }) }, order: order)
        let all = EvaluationMetrics(SimilarityMetrics(retrieval: metrics), count: 12, loss: .nan)
        for metric in [Metric.ndcgAt10, .mrrAt10, .mapAt100, .recallAt1, .recallAt10, .recallAt100] {
            #expect(
                Self.isNear(all.value(metric), part?["metrics"]?[metric.rawValue]?.double),
                "\(metric.rawValue)")
        }
        #expect(all.value(.loss) == nil)
    }

    @Test func tripletsAndPairs() throws {
        let value = try Self.expected()
        let vectors = Self.vectors(value)
        let groups = Self.rows(value["triplets"]?["rows"]).map { $0.map { vectors[$0] } }
        #expect(
            Self.isNear(
                VectorSimilarity.cosineAccuracy(groups), value["triplets"]?["cosine_accuracy"]?.double))
        let pairs = value["pairs"]
        let metrics = EvaluationMetrics(
            SimilarityMetrics(), count: 40, loss: .nan,
            cosines: Self.rows(pairs?["rows"]).map {
                VectorSimilarity.cosine(vectors[$0[0]], vectors[$0[1]])
            },
            scores: pairs?["scores"]?.array?.compactMap { $0.double.map { Float($0) } } ?? [])
        #expect(Self.isNear(metrics.pearson, pairs?["pearson"]?.double))
        #expect(Self.isNear(metrics.spearman, pairs?["spearman"]?.double))
    }

    @Test func retrievalFiles() throws {
        let folder = try TemporaryDirectory()
        try folder.write(
            "q.jsonl", "{\"_id\": \"q1\", \"text\": \"a\"}\n{\"_id\": \"q2\", \"text\": \"b\"}\n")
        try folder.write(
            "c.jsonl",
            "{\"_id\": \"d2\", \"title\": \"T\", \"text\": \"x\"}\n{\"_id\": \"d10\", \"title\": \"\", \"text\": \"y\"}\n"
        )
        try folder.write("beir.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\td10\t0\n")
        func load(_ relevance: String) throws -> RetrievalDataset {
            try RetrievalDataset(
                queries: folder.path("q.jsonl"), corpus: folder.path("c.jsonl"),
                relevance: folder.path(relevance))
        }
        let beir = try load("beir.tsv")
        #expect(beir.relevant == [[0], []] && beir.documents.texts == ["T x", "y"] && beir.order == [1, 0])
        #expect(beir.notes.count == 1)
        try folder.write("trec.txt", "q1\t0\td10\t2\nq2\t0\td2\t1\n")
        #expect(try load("trec.txt").relevant == [[1], [0]])
        try folder.write("spaces.txt", "q1 0 d10 2\nq2 0  d2 1\n")
        #expect(try load("spaces.txt").relevant == [[1], [0]])
        for (text, problem) in [
            ("q1\td3\n", "bad.tsv:1: has the document \"d3\", which is not in"),
            ("q1\td2\thigh\n", "bad.tsv:1: has no number in column 2"),
            ("q1\td2\t0\n", "has no relevant document"),
        ] {
            try folder.write("bad.tsv", text)
            let error = #expect(throws: (any Error).self) { try load("bad.tsv") }
            #expect("\(error as Any)".contains(problem))
        }
    }

    /// What `CrossEncoderClassificationEvaluator` of sentence-transformers 5 says of the same scores.
    @Test func pairsAreJudgedWithTheBestThreshold() throws {
        let scores: [Float] = [0.9, 0.2, 0.7, 0.4, 0.35, 0.6, 0.1, 0.8]
        let metrics = try #require(PairMetrics(scores: scores, labels: [1, 0, 1, 1, 0, 0, 0, 1]))
        #expect(metrics.accuracy == 0.875 && abs(metrics.f1 - 8 / 9) < 1e-12)
        #expect(
            metrics.precision == 0.8 && metrics.recall == 1 && abs(metrics.averagePrecision - 0.95) < 1e-12)
        // No threshold parts equal scores.
        let equal = try #require(PairMetrics(scores: [1, 1, 0], labels: [1, 0, 0]))
        #expect(
            abs(equal.accuracy - 2 / 3) < 1e-12 && equal.precision == 0.5 && equal.averagePrecision == 0.5)
        #expect(PairMetrics(scores: [1, 2], labels: [1, 1]) == nil)
        #expect(PairMetrics(scores: [1, 2], labels: [0, 0.5]) == nil)
    }
}
