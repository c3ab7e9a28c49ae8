import Support
import Text

/// Documents of queries with their labels, which scores should rank.
package struct RankedLists: Sendable {
    /// The documents of each example.
    package let groups: ExampleGroups
    /// For each document of an example its label; empty for examples that have none.
    package let labels: [[Float]]
    /// Equal queries have equal keys; one for each example.
    private let queries: [Int]

    /// - Parameter labels: those of the documents of each example of the data set.
    package init(_ dataset: GroupedDataset, labels: [[Float]]) {
        self.labels = labels
        groups = ExampleGroups(sizes: dataset.texts.map { $0.count - 1 })
        var keys: [TextKey: Int] = [:]
        queries = dataset.texts.map { texts in
            let key = keys[TextKey(texts[0])] ?? keys.count
            keys[TextKey(texts[0])] = key
            return key
        }
    }

    /// How well the scores of all documents rank those of each query that have a label above 0.
    package func retrieval(_ scores: [Float]) -> RetrievalMetrics? {
        var lists: [(scores: [Float], isRelevant: [Bool])] = []
        for (example, labels) in labels.enumerated() where !labels.isEmpty {
            let query = queries[example]
            while lists.count <= query { lists.append(([], [])) }
            lists[query].scores += groups[example].map { scores[$0] }
            lists[query].isRelevant += labels.map { $0 > 0 }
        }
        let rankings = lists.filter { $0.isRelevant.contains(true) }.map { list in
            let order = Ranking.top(
                list.scores.count, of: list.scores[...], order: Array(list.scores.indices))
            return (hits: order.map { list.isRelevant[$0] }, relevant: list.isRelevant.count { $0 })
        }
        return rankings.isEmpty ? nil : RetrievalMetrics(rankings)
    }

    /// What the scores of all documents are worth: as rankings, beside the labels, and of labels 0 and 1 as classes.
    package func metrics(of scores: [Float], loss: Double) -> EvaluationMetrics {
        let isLabelled = labels.allSatisfy { !$0.isEmpty }
        let all = isLabelled ? labels.flatMap(\.self) : []
        return EvaluationMetrics(
            SimilarityMetrics(
                retrieval: retrieval(scores),
                pairs: isLabelled ? PairMetrics(scores: scores, labels: all) : nil), count: groups.count,
            loss: loss, cosines: isLabelled ? scores : [], scores: all)
    }
}

extension GroupedDataset {
    /// The label of each document of an example; of several without numbers the first one is the right one.
    ///
    /// - Parameter alternative: what else an error says could stand there.
    /// - Throws: `TextError` with file and line for an example without documents, or with other numbers of labels.
    package func documentLabels(of example: Int, alternative: String = "") throws(TextError) -> [Float] {
        func wrong(_ problem: String) -> TextError {
            TextError(.invalidLabel, file: file, line: lines[example], problem)
        }
        let documents = texts[example].count - 1
        guard documents > 0 else { throw wrong("has no document; expected a query and documents") }
        let first: [Float] = documents > 1 ? [1] + Array(repeating: 0, count: documents - 1) : []
        let labels = numbers?[example] ?? first
        guard labels.count == documents else {
            throw wrong(
                "has \(Formatted.count(labels.count, "number")) for \(Formatted.count(documents, "document")); expected one each"
                    + alternative)
        }
        return labels
    }
}
