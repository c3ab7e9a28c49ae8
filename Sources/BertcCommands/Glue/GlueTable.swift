import Foundation
import Pipelines
import Support
import Text
import Training

/// The results of all tasks: BERT's and SparseBERT's table, then one line per file.
package struct GlueTable: CustomStringConvertible {
    private let model: String
    private let results: [GlueTask: GlueResult]

    package init(model: String, results: [GlueTask: GlueResult]) {
        self.model = model
        self.results = results
    }

    /// The nine columns of arXiv:2102.12871, in its order; the first two are printed as one.
    private static let columns: [(name: String, task: GlueTask)] = [
        ("MNLI-m", .mnli), ("MNLI-mm", .mnli), ("QQP", .qqp), ("QNLI", .qnli), ("SST-2", .sst2),
        ("CoLA", .cola),
        ("STS-B", .stsb), ("MRPC", .mrpc), ("RTE", .rte),
    ]

    /// The task's first metric on the development data; `nil` for a task that was not run.
    private func value(_ name: String, _ task: GlueTask) -> Double? {
        results[task]?.scores.first { $0.name == name }?.value(task.metrics[0])
    }

    private var values: [Double?] { Self.columns.map(value) }

    /// Mean of the columns that have a value, and how many there are.
    private var average: (value: Double?, count: Int) {
        let known = values.compactMap(\.self)
        return (known.isEmpty ? nil : known.reduce(0, +) / Double(known.count), known.count)
    }

    package var description: String { "\(benchmark)\n\n\(details)" }

    /// In percent, as papers print them.
    private var benchmark: TextTable {
        func percent(_ value: Double?) -> String {
            value.map { Formatted.number($0 * 100, digits: 1) } ?? "-"
        }
        let cells = values.map(percent)
        let matched = results[.mnli] == nil ? "-" : "\(cells[0])/\(cells[1])"
        let isComplete = average.count == Self.columns.count
        var table = TextTable(
            ["model", "MNLI-(m/mm)"] + Self.columns.dropFirst(2).map(\.name)
                + [isComplete ? "average" : "average of \(average.count)"])
        table.add(
            [(model as NSString).lastPathComponent, matched] + cells.dropFirst(2) + [percent(average.value)])
        return table
    }

    /// The leaderboard's metrics of each task, and how it was trained.
    private var details: TextTable {
        var table = TextTable(
            ["task", "examples", "metrics", "loss", "best step", "time"], left: ["task", "metrics"])
        for task in GlueTask.allCases {
            guard let result = results[task] else { continue }
            for (index, score) in result.scores.enumerated() {
                func text(_ metric: Metric) -> String {
                    score.value(metric).map { Formatted.number($0, digits: 4) } ?? "undefined"
                }
                let metrics = task.metrics.map { "\($0.rawValue) \(text($0))" }
                table.add(
                    [
                        score.name, "\(score.examples)", metrics.joined(separator: ", "),
                        text(.loss),
                    ] + (index == 0 ? ["\(result.step)", ProgressLine.time(result.seconds)] : ["", ""]))
            }
        }
        return table
    }

    /// Unrounded, as shares of 1.
    var json: JSONValue {
        func optional(_ value: Double?) -> JSONValue { value.map(JSONValue.double) ?? .null }
        let tasks = GlueTask.allCases.compactMap { task in
            results[task].map { (task.rawValue, $0.json) }
        }
        return .object([
            ("event", .string("glue")), ("model", .string(model)),
            ("columns", .object(zip(Self.columns, values).map { ($0.name, optional($1)) })),
            ("average", optional(average.value)), ("columns_in_average", .integer(average.count)),
            ("tasks", .object(tasks)),
        ])
    }
}

extension GlueResult {
    fileprivate var json: JSONValue {
        let scores = scores.map { score in
            let metrics = score.metrics.sorted { $0.key < $1.key }.map { ($0, JSONValue.double($1)) }
            return (score.name, JSONValue.object([("examples", .integer(score.examples))] + metrics))
        }
        return .object([
            ("best_step", .integer(step)), ("seconds", .double(seconds)), ("scores", .object(scores)),
            ("predictions", .array(predictions.map(JSONValue.string))),
        ])
    }
}
