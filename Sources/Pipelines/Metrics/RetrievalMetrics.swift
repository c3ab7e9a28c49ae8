import Foundation

/// How well queries find their documents, as sentence-transformers' `InformationRetrievalEvaluator` measures it: means
/// over queries, a document being relevant or not.
public struct RetrievalMetrics: Hashable, Sendable {
    /// Normalised discounted cumulative gain of the first 10 documents.
    public let ndcgAt10: Double
    /// The reciprocal of the rank of the first relevant document, 0 beyond the first 10.
    public let mrrAt10: Double
    /// Average precision of the first 100 documents.
    public let mapAt100: Double
    /// The share of relevant documents among the first 1, 10 and 100.
    public let (recallAt1, recallAt10, recallAt100): (Double, Double, Double)
    /// The share of queries whose first document is relevant.
    public let accuracyAt1: Double

    /// Documents of a ranking that are looked at.
    package static let depth = 100

    /// - Parameter rankings: for each query whether the first documents of its ranking are relevant, and how many relevant
    ///   documents there are, at least one.
    package init(_ rankings: [(hits: [Bool], relevant: Int)]) {
        func mean(_ body: ([Bool], Int) -> Double) -> Double {
            rankings.reduce(0) { $0 + body($1.hits, $1.relevant) } / Double(max(1, rankings.count))
        }
        func count(_ hits: ArraySlice<Bool>) -> Double { Double(hits.count { $0 }) }
        func gain(_ hits: some Sequence<Bool>) -> Double {
            hits.enumerated().reduce(0) { $0 + ($1.element ? 1 / log2(Double($1.offset + 2)) : 0) }
        }
        func recall(_ k: Int) -> Double { mean { count($0.prefix(k)) / Double($1) } }
        ndcgAt10 = mean { hits, relevant in
            gain(hits.prefix(10)) / gain(repeatElement(true, count: min(10, relevant)))
        }
        mrrAt10 = mean { hits, _ in hits.prefix(10).firstIndex(of: true).map { 1 / Double($0 + 1) } ?? 0 }
        mapAt100 = mean { hits, relevant in
            var (right, sum) = (0.0, 0.0)
            for (rank, isHit) in hits.prefix(100).enumerated() where isHit {
                right += 1
                sum += right / Double(rank + 1)
            }
            return sum / Double(min(100, relevant))
        }
        (recallAt1, recallAt10, recallAt100) = (recall(1), recall(10), recall(100))
        accuracyAt1 = mean { hits, _ in count(hits.prefix(1)) }
    }
}

/// The documents of a ranking, best first.
package enum Ranking {
    /// The indices of the `count` highest scores; of equal ones the one with the lower place in `order` comes first.
    package static func top(_ count: Int, of scores: ArraySlice<Float>, order: [Int]) -> [Int] {
        let first = scores.startIndex
        func isBefore(_ a: Int, _ b: Int) -> Bool {
            let (x, y) = (scores[first + a], scores[first + b])
            return x == y ? order[a] < order[b] : x > y
        }
        guard scores.count > 4 * count else {
            return Array((0..<scores.count).sorted(by: isBefore).prefix(count))
        }
        // The scores that reach the threshold are few, and all of the best are among them.
        let threshold = scores.sorted(by: >)[count - 1]
        return Array(
            (0..<scores.count).filter { scores[first + $0] >= threshold }.sorted(by: isBefore).prefix(count))
    }
}
