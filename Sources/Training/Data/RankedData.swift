import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Tokenised pairs of queries and documents, with what the documents of a query should be to it.
struct RankedData: LabelledExamples {
    let path: String
    /// A query with each of its documents, example by example.
    let encodings: [Encoding]
    let groups: ExampleGroups
    /// For each document of an example its label; empty where differences are given.
    let labels: [[Float]]
    /// How much higher the first document's score should be than that of each other one; `nil` where labels say it all.
    let margins: [[Float]]?
    /// Equal queries have equal keys; one for each example.
    let queries: [Int]

    /// - Parameter loss: whether it learns from differences, and from labels from 0 to 1.
    /// - Throws: `TextError` with file and line for numbers that do not fit the texts, and texts that cannot be cut.
    init(
        _ dataset: GroupedDataset, for loss: LossName, _ training: TrainingConfig, _ source: ModelSource,
        maxLength: Int
    ) throws {
        func wrong(_ example: Int, _ problem: String) -> TextError {
            TextError(.invalidLabel, file: dataset.file, line: dataset.lines[example], problem)
        }
        var (labels, margins): ([[Float]], [[Float]]) = ([], [])
        for (example, texts) in dataset.texts.enumerated() {
            let documents = texts.count - 1
            let numbers = dataset.numbers?[example]
            guard documents > 0 else {
                throw wrong(example, "has no document; expected a query and documents")
            }
            if loss == .marginMSE, let numbers, numbers.count == documents - 1, documents > 1 {
                margins.append(numbers)
                labels.append([])
                continue
            }
            guard
                let numbers = numbers
                    ?? (documents > 1 ? [1] + Array(repeating: 0, count: documents - 1) : nil),
                numbers.count == documents
            else {
                throw wrong(
                    example,
                    "has \(Formatted.count(numbers?.count ?? 0, "number")) for \(Formatted.count(documents, "document")); expected one "
                        + "each"
                        + (loss == .marginMSE ? ", or a difference for each document but the first" : ""))
            }
            if loss == .binaryCrossEntropy, let other = numbers.first(where: { !(0...1).contains($0) }) {
                throw wrong(example, "has the label \(other); \(loss.rawValue) needs 0 to 1")
            }
            labels.append(numbers)
            margins.append(numbers.dropFirst().map { numbers[0] - $0 })
        }
        self.labels = labels
        self.margins = loss == .marginMSE ? margins : nil
        groups = ExampleGroups(sizes: dataset.texts.map { $0.count - 1 })
        path = dataset.file
        var keys: [TextKey: Int] = [:]
        queries = dataset.texts.map { texts in
            let key = keys[TextKey(texts[0])] ?? keys.count
            keys[TextKey(texts[0])] = key
            return key
        }
        let places = dataset.texts.enumerated().flatMap { example, texts in
            texts.indices.dropFirst().map { (example, $0) }
        }
        encodings = try source.encode(places.count, file: dataset.file, training, maxLength: maxLength) {
            let (example, document) = places[$0]
            let texts = dataset.texts[example]
            return (TextPair(texts[0], pair: texts[document]), dataset.lines[example])
        }
    }

    var count: Int { groups.count }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        fingerprint.add(groups.offsets.map(Int32.init))
        for numbers in [labels, margins ?? []].joined() {
            fingerprint.add(numbers.map { Int32(bitPattern: $0.bitPattern) })
        }
        return fingerprint.text
    }

    /// How well the scores of all documents rank those of each query that have a label above 0.
    func retrieval(_ scores: [Float]) -> RetrievalMetrics? {
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
}
