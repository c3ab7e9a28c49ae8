import ArgumentParser
import BERT
import Text
import Training

/// `bertc evaluate`: how good a saved model is on a file with labels.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a fine-tuned model on a data set with labels.",
        discussion: """
            Prints accuracy, loss and how many examples of each label got which label; for regression the mean
            squared error and Pearson's correlation.

            EXAMPLE:
              bertc evaluate runs/reviews data/rt.test.tsv
              bertc evaluate runs/mrpc dev.tsv --text-column 3 --pair-column 4 --json
            """)

    @OptionGroup var model: ModelOptions

    @Argument(help: "A .tsv, .jsonl or .txt file (labels of X.txt in X_labels.txt).")
    var data: String

    @Option(help: "The layout of the file; by its name by default.")
    var format: TextDataset.Format = .auto

    @Option(name: .customLong("text-column"), help: "The column with the text: a name, or a number from 0.")
    var textColumn: String?

    @Option(name: .customLong("pair-column"), help: "The column with the second text.")
    var pairColumn: String?

    @Option(name: .customLong("label-column"), help: "The column with the label.")
    var labelColumn: String?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func run() throws {
        let pipeline = try model.open(global, passes)
        let dataset = try TextDataset.load(
            path: data, format: format,
            options: TextDataset.Options(
                textColumn: textColumn.map { ColumnSelector($0) },
                pairColumn: pairColumn.map { ColumnSelector($0) },
                labelColumn: labelColumn.map { ColumnSelector($0) }, requireLabels: true))
        let metrics = try pipeline.evaluate(dataset)
        Console.print(global.json ? "\(json(metrics, pipeline.labels))" : text(metrics, pipeline.labels))
        model.reportTruncation(pipeline, global)
    }

    private func json(_ metrics: EvaluationMetrics, _ labels: [String]) -> JSONText {
        var members: [(String, JSONText)] = [
            ("examples", .integer(metrics.count)), ("loss", .double(metrics.loss)),
        ]
        if let accuracy = metrics.accuracy {
            members.append(("accuracy", .double(accuracy)))
            members.append(("labels", .array(labels.map(JSONText.string))))
            members.append(("confusion", .array(metrics.confusion.map { .array($0.map(JSONText.integer)) })))
        } else {
            members.append(("pearson", metrics.pearson.map(JSONText.double) ?? .null))
        }
        return .object(members)
    }

    private func text(_ metrics: EvaluationMetrics, _ labels: [String]) -> String {
        var lines = ["examples  \(metrics.count)", "loss      \(Formatted.number(metrics.loss, digits: 4))"]
        guard let accuracy = metrics.accuracy else {
            let pearson =
                metrics.pearson.map { Formatted.number($0, digits: 4) } ?? "undefined (constant numbers)"
            return (lines + ["pearson   \(pearson)"]).joined(separator: "\n")
        }
        lines.append("accuracy  \(Formatted.number(accuracy, digits: 4))")
        guard !global.quiet else { return lines.joined(separator: "\n") }
        var table = TextTable(["actual \\ predicted"] + labels)
        for (label, row) in zip(labels, metrics.confusion) { table.add([label] + row.map { "\($0)" }) }
        return (lines + ["", "\(table)"]).joined(separator: "\n")
    }
}
