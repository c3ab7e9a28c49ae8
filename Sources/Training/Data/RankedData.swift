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
    /// The documents of each query with their labels, which are empty where differences are given.
    let lists: RankedLists
    /// How much higher the first document's score should be than that of each other one; `nil` where labels say it all.
    let margins: [[Float]]?

    /// - Parameter loss: whether it learns from differences, and from labels from 0 to 1.
    /// - Throws: `TextError` with file and line for numbers that do not fit the texts, and texts that cannot be cut.
    init(
        _ dataset: GroupedDataset, for loss: LossName, _ training: TrainingConfig, _ source: ModelSource,
        maxLength: Int
    ) throws {
        var (labels, margins): ([[Float]], [[Float]]) = ([], [])
        for (example, texts) in dataset.texts.enumerated() {
            let documents = texts.count - 1
            if loss == .marginMSE, documents > 1, let numbers = dataset.numbers?[example],
                numbers.count == documents - 1
            {
                margins.append(numbers)
                labels.append([])
                continue
            }
            let own = try dataset.documentLabels(
                of: example,
                alternative: loss == .marginMSE ? ", or a difference for each document but the first" : "")
            if loss == .binaryCrossEntropy, let other = own.first(where: { !(0...1).contains($0) }) {
                throw TextError(
                    .invalidLabel, file: dataset.file, line: dataset.lines[example],
                    "has the label \(other); \(loss.rawValue) needs 0 to 1")
            }
            labels.append(own)
            margins.append(own.dropFirst().map { own[0] - $0 })
        }
        self.margins = loss == .marginMSE ? margins : nil
        lists = RankedLists(dataset, labels: labels)
        path = dataset.file
        let places = dataset.texts.enumerated().flatMap { example, texts in
            texts.indices.dropFirst().map { (example, $0) }
        }
        encodings = try source.encode(places.count, file: dataset.file, training, maxLength: maxLength) {
            let (example, document) = places[$0]
            let texts = dataset.texts[example]
            return (TextPair(texts[0], pair: texts[document]), dataset.lines[example])
        }
    }

    var groups: ExampleGroups { lists.groups }
    /// For each document of an example its label; empty where differences are given.
    var labels: [[Float]] { lists.labels }
    var count: Int { groups.count }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        fingerprint.add(groups.offsets.map(Int32.init))
        for numbers in [labels, margins ?? []].joined() {
            fingerprint.add(numbers.map { Int32(bitPattern: $0.bitPattern) })
        }
        return fingerprint.text
    }
}
