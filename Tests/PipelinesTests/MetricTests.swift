import Foundation
import Pipelines
import Testing

/// Against scikit-learn and SciPy; `Fixtures/make_metrics.py` made the cases.
@Suite struct MetricTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        enum Kind: String, Decodable { case labels, numbers, sets }

        let name: String
        let kind: Kind
        let labels: Int?
        let actual: [Double]?
        let predicted: [Double]?
        let sets: [[Int32]]?
        let logits: [[Float]]?
        let expected: [String: Double?]

        var testDescription: String { name }
    }

    static let cases: [Case] = {
        let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/metrics.json")
        let data = FileManager.default.contents(atPath: file.path) ?? Data()
        return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
    }()

    static func metrics(_ item: Case) -> EvaluationMetrics {
        let (actual, predicted) = (item.actual ?? [], item.predicted ?? [])
        switch item.kind {
        case .sets:
            var metrics = MultiLabelMetrics(labelCount: item.labels ?? 0, threshold: 0.5)
            for (logits, set) in zip(item.logits ?? [], item.sets ?? []) {
                metrics.add(logits: logits, actual: set)
            }
            return EvaluationMetrics(metrics)
        case .numbers:
            return EvaluationMetrics(
                predictions: predicted.map { Float($0) }, targets: actual.map { Float($0) })
        case .labels:
            let count = item.labels ?? 0
            let logits = predicted.map { predicted in
                (0..<count).map { Double($0) == predicted ? Float(2) : 0 }
            }
            return EvaluationMetrics(logits: logits, targets: actual.map { Int($0) }, labelCount: count)
        }
    }

    @Test func casesAreThere() { #expect(Self.cases.count == 21) }

    @Test(arguments: cases)
    func equalsTheReference(_ item: Case) throws {
        let metrics = Self.metrics(item)
        for (name, expected) in item.expected {
            let value = metrics.value(try #require(Metric(rawValue: name)))
            guard let expected else {
                #expect(value == nil, "\(name)")
                continue
            }
            #expect(
                abs(try #require(value, "\(name)") - expected) < (item.kind == .sets ? 1e-7 : 1e-12),
                "\(name)")
        }
    }

    /// A task's metrics are its own: correlations of numbers need numbers, shares need labels, and neither has those of
    /// pre-training, entities, answers or vectors.
    @Test func otherTasksMetricsAreNil() {
        let numbers = EvaluationMetrics(predictions: [1, 2], targets: [2, 5])
        let labels = EvaluationMetrics(logits: [[1, 0], [0, 1]], targets: [0, 0], labelCount: 2)
        let ofOthers: Set<Metric> = [
            .maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy, .precision, .recall, .exactMatch,
            .answerableExactMatch, .answerableF1, .unanswerableExactMatch, .microF1, .sampleF1,
            .cosineAccuracy, .averagePrecision,
            .ndcgAt10, .mrrAt10, .mapAt100, .recallAt1, .recallAt10, .recallAt100,
        ]
        for metric in ofOthers {
            #expect(numbers.value(metric) == nil && labels.value(metric) == nil, "\(metric)")
        }
        for metric in Metric.allCases where metric != .loss && !ofOthers.contains(metric) {
            #expect((numbers.value(metric) == nil) != (labels.value(metric) == nil), "\(metric)")
        }
        #expect(numbers.value(.loss) == 5)
    }

    /// Equal numbers have no correlation, whatever rounding makes of their mean; very small ones do.
    @Test(
        arguments: [
            ([0.1, 0.1, 0.1], [1, 2, 3], UndefinedCorrelation.constantPredictions),
            ([1, 2, 3], [0.7, 0.7, 0.7], .constantTargets), ([1], [2], .singleExample),
            ([1e-20, 2e-20, 3e-20], [1, 2, 4], nil),
        ] as [([Float], [Float], UndefinedCorrelation?)])
    func undefinedCorrelations(_ predictions: [Float], _ targets: [Float], _ reason: UndefinedCorrelation?) {
        let metrics = EvaluationMetrics(predictions: predictions, targets: targets)
        #expect(metrics.undefinedCorrelation == reason)
        #expect((metrics.pearson == nil) == (reason != nil) && (metrics.spearman == nil) == (reason != nil))
    }

    /// Counts take as much room as there are examples.
    @Test func manyLabels() {
        let rows = (0..<3).map { row in (0..<50_000).map { $0 == row ? Float(9) : 0 } }
        let metrics = EvaluationMetrics(logits: rows, targets: [0, 1, 40_000], labelCount: 50_000)
        #expect(metrics.confusionCounts?.counts.count == 3 && metrics.accuracy == 2.0 / 3)
        #expect(metrics.macroF1 == 0.5 && metrics.f1 == nil)
        #expect(metrics.confusionCounts?.mistakes.map(\.pair.actual) == [40_000])
    }
}
