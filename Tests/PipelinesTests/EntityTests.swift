import Foundation
import Pipelines
import Testing

/// Entities as seqeval's default mode counts them, and what follows from the counts.
@Suite struct EntityTests {
    static func metrics(_ actual: [[String]], _ predicted: [[String]]) -> EntityMetrics {
        let labels = Array(Set((actual + predicted).joined())).sorted()
        func ids(_ sentence: [String]) -> [Int] { sentence.compactMap { labels.firstIndex(of: $0) } }
        var metrics = EntityMetrics(EntityTags(labels))
        for (actual, predicted) in zip(actual, predicted) {
            metrics.add(actual: ids(actual), predicted: ids(predicted))
        }
        return metrics
    }

    struct Case: Decodable, CustomTestStringConvertible {
        let name: String
        let actual: [[String]]
        let predicted: [[String]]
        let precision: Double
        let recall: Double
        let f1: Double

        var testDescription: String { name }
    }

    static let cases: [Case] = {
        let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/entities.json")
        let data = FileManager.default.contents(atPath: file.path) ?? Data()
        return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
    }()

    @Test func casesAreThere() { #expect(Self.cases.count == 24) }

    @Test("equal to seqeval", arguments: cases) func fixtures(_ item: Case) {
        let metrics = Self.metrics(item.actual, item.predicted)
        #expect(abs(metrics.precision - item.precision) < 1e-12)
        #expect(abs(metrics.recall - item.recall) < 1e-12)
        #expect(abs(metrics.f1 - item.f1) < 1e-12)
    }

    /// Entities of either sequence, and those that are in both.
    @Test(arguments: [
        // An I after O begins an entity, as a B does.
        ("O I-PER I-PER O", "O B-PER I-PER O", 1, 1, 1),
        // An I of another type begins one; a B always does.
        ("B-PER I-LOC O", "B-PER B-LOC O", 2, 2, 2),
        ("B-PER B-PER", "B-PER I-PER", 2, 1, 0),
        ("I-PER B-PER", "B-PER B-PER", 2, 2, 2),
        // Half an entity is none, nor is one of another type.
        ("B-PER I-PER I-PER", "B-PER I-PER O", 1, 1, 0),
        ("B-PER I-PER", "B-LOC I-LOC", 1, 1, 0),
        // Types may have hyphens; an entity may end with its sentence.
        ("O B-A-B I-A-B", "O B-A-B I-A-C", 1, 2, 0),
        ("S-PER E-PER O", "B-PER I-PER O", 2, 1, 0),
        ("O O", "O O", 0, 0, 0),
        // BILOU and BMES have other letters for the same places, also side by side.
        ("B-PER I-PER L-PER U-PER O", "B-PER I-PER L-PER B-PER L-PER", 2, 2, 1),
        ("B-PER M-PER E-PER S-PER S-PER", "B-PER M-PER E-PER S-PER O", 3, 2, 2),
        ("B_PER I_PER O", "B_PER I_PER O", 1, 1, 1),
        // The letter at the end.
        ("PER-B PER-I O LOC-B", "PER-B PER-I LOC-B LOC-B", 2, 3, 2),
        // No letters at all: words in a row.
        ("ORG ORG O PER ORG", "ORG ORG O PER PER", 3, 2, 1),
        ("OTHER OTHER O", "OTHER O O", 1, 1, 0),
        ("E-MAIL E-MAIL O", "E-MAIL E-MAIL E-MAIL", 1, 1, 0),
    ])
    func irregularities(_ actual: String, _ predicted: String, _ a: Int, _ p: Int, _ right: Int) {
        let metrics = Self.metrics(
            [actual.components(separatedBy: " ")], [predicted.components(separatedBy: " ")])
        #expect(metrics.actualCount == a && metrics.predictedCount == p && metrics.rightCount == right)
        #expect(metrics.f1 == (a + p == 0 ? 0 : 2 * Double(right) / Double(a + p)))
    }

    @Test(arguments: [
        (["O", "B-PER", "I-PER"], nil), (["B", "I", "E", "S", "O"], nil), (["PER-B", "PER-I", "O"], nil),
        (["O", "PER", "ORG"], "label \"PER\" has no prefix"),
        (["O", "B-PER", "MISC"], "label \"MISC\" has no prefix"),
    ])
    func otherSchemesAreSaid(_ labels: [String], _ note: String?) {
        #expect(EntityTags(labels).note?.prefix(note?.count ?? 0).description == note)
    }

    /// Types are compared by their code points.
    @Test func typesAreCodePoints() {
        var metrics = EntityMetrics(EntityTags(["B-\u{E9}", "I-\u{E9}", "I-e\u{301}"]))
        metrics.add(actual: [0, 1], predicted: [0, 2])
        #expect(metrics.actualCount == 1 && metrics.predictedCount == 2)
    }

    /// Accuracy is of words, `f1` of entities.
    @Test func metricsOfATokenClassifier() {
        let labels = ["B-X", "I-X", "O"]
        let metrics = EvaluationMetrics(
            logits: [[[2, 0, 0], [0, 2, 0], [0, 0, 2]], [[0, 0, 2]]], targets: [[0, 1, 1], [2]],
            labels: labels)
        #expect(metrics.count == 4 && metrics.accuracy == 0.75)
        #expect(metrics.value(.f1) == 0 && metrics.value(.precision) == 0 && metrics.value(.recall) == 0)
        #expect(metrics.confusion == [[1, 0, 0], [0, 1, 1], [0, 0, 1]])
        let right = log(1 + 2 * exp(-2.0))
        #expect(abs(metrics.loss - (right + 0.5)) < 1e-6)
    }
}
