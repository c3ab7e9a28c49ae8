import ArgumentParser
import BERT
import Support
import Text
import Training

/// `bertc evaluate`: how good a saved model is on a file with labels.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a fine-tuned model on a data set with labels.",
        discussion: """
            Prints accuracy, F1, Matthews' correlation, loss, and how many examples of each label got which
            label; for regression the mean squared error, Pearson's and Spearman's correlation;
            for a token classifier also precision, recall and F1 of entities.

            EXAMPLE:
              bertc evaluate runs/reviews data/rt.test.tsv
              bertc evaluate runs/mrpc dev.tsv --text-column 3 --pair-column 4 --json
            """)

    @OptionGroup var model: ModelOptions

    @Argument(
        help: "A .tsv, .jsonl or .txt file (labels of X.txt in X_labels.txt); for words a CoNLL file.")
    var data: String

    @Option(help: "The layout of the file; by its name by default.")
    var format: TextDataset.Format = .auto

    @Option(
        name: .customLong("text-column"), parsing: .unconditional,
        help: "The column with the text: a name, or a number from 0.")
    var textColumn: String?

    @Option(
        name: .customLong("pair-column"), parsing: .unconditional, help: "The column with the second text.")
    var pairColumn: String?

    @Option(name: .customLong("label-column"), parsing: .unconditional, help: "The column with the label.")
    var labelColumn: String?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func run() throws {
        let pipeline = try model.open(global, passes)
        let metrics = try evaluate(pipeline)
        let page = EvaluationPage(metrics: metrics, labels: pipeline.labels, file: data)
        Console.print(global.json ? "\(page.json)" : page.text(brief: global.quiet))
        page.notes.forEach(global.note)
        model.reportNotes(pipeline, global)
    }

    private func evaluate(_ pipeline: BertPipeline) throws -> EvaluationMetrics {
        if case .tokenClassification = pipeline.head {
            guard format == .auto, [textColumn, pairColumn, labelColumn].allSatisfy({ $0 == nil }) else {
                throw CommandError(
                    .usage,
                    "\(model.model): is a token classifier, whose data are CoNLL files; --format and --text-column, "
                        + "--pair-column, --label-column are for classifiers of texts")
            }
            return try pipeline.evaluate(contentsOf: data)
        }
        return try pipeline.evaluate(
            TextDataset.load(
                path: data, format: format,
                options: TextDataset.Options(
                    textColumn: textColumn.map { ColumnSelector($0) },
                    pairColumn: pairColumn.map { ColumnSelector($0) },
                    labelColumn: labelColumn.map { ColumnSelector($0) }, requireLabels: true)))
    }
}
