import Pipelines
import Support

/// What `bertc evaluate` prints.
struct EvaluationPage {
    /// Labels up to which a matrix can be read, and up to which it is in the JSON.
    private static let (readable, dense) = (20, 100)
    /// Pairs of labels that are shown in its place.
    private static let shownPairs = 20

    let metrics: EvaluationMetrics
    let labels: [String]
    /// What was evaluated on.
    let file: String

    /// What to know about the figures.
    var notes: [String] {
        let entities = metrics.entities == nil ? nil : EntityTags(labels).note
        let correlation = metrics.undefinedCorrelation.map {
            "\(file): pearson and spearman are not defined, since \($0)"
        }
        return [entities, correlation].compactMap(\.self)
    }

    /// With the matrix; of more than 100 labels the pairs that examples have, as indices of labels and a count.
    var json: JSONValue {
        guard let counts = metrics.confusionCounts else { return .object(metrics.members) }
        let confusion: (String, JSONValue) =
            labels.count <= Self.dense
            ? ("confusion", .array(counts.matrix.map { .array($0.map(JSONValue.integer)) }))
            : (
                "confusion_counts",
                .array(
                    counts.sorted.map {
                        .array([$0.pair.actual, $0.pair.predicted, $0.count].map(JSONValue.integer))
                    })
            )
        return .object(metrics.members + [("labels", .array(labels.map(JSONValue.string))), confusion])
    }

    /// - Parameter brief: without who was taken for whom.
    func text(brief: Bool) -> String {
        var lines = [line("examples", "\(metrics.count)")]
        for metric in Metric.allCases {
            if let value = metrics.value(metric) {
                let note = metric == .f1 ? "  of \(ofF1)" : ""
                lines.append(line(metric.rawValue, Formatted.number(value, digits: 4) + note))
            } else if metrics.undefinedCorrelation != nil, [.pearson, .spearman].contains(metric) {
                lines.append(line(metric.rawValue, "undefined"))
            }
        }
        guard let counts = metrics.confusionCounts, !brief else { return lines.joined(separator: "\n") }
        return (lines + [""] + confusion(counts)).joined(separator: "\n")
    }

    /// What the F1 is of.
    private var ofF1: String {
        if metrics.entities != nil { return "entities" }
        if metrics.similarity != nil { return "label 1" }
        return metrics.answers != nil ? "words of answers" : labels[1]
    }

    private func confusion(_ counts: ConfusionCounts) -> [String] {
        guard labels.count > Self.readable else {
            var table = TextTable(["actual \\ predicted"] + labels)
            for (label, row) in zip(labels, counts.matrix) { table.add([label] + row.map { "\($0)" }) }
            return ["\(table)"]
        }
        let mistakes = counts.mistakes
        guard !mistakes.isEmpty else { return ["no label was taken for another"] }
        var table = TextTable(["actual", "predicted", "examples"], left: ["actual", "predicted"])
        for (pair, count) in mistakes.prefix(Self.shownPairs) {
            table.add([labels[pair.actual], labels[pair.predicted], "\(count)"])
        }
        let more = mistakes.count - Self.shownPairs
        return ["\(table)"] + (more > 0 ? ["\(more) more pairs; --json has all"] : [])
    }

    /// A name and a value, values under each other.
    private func line(_ name: String, _ value: String) -> String {
        name + String(repeating: " ", count: max(2, 10 - name.count)) + value
    }
}
