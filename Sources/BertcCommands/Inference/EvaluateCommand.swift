import ArgumentParser
import Encoders
import Pipelines
import Support
import Text

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
        help:
            "A .tsv, .csv, .jsonl or .txt file (labels of X.txt in X_labels.txt), also with .gz; for words a CoNLL file or JSON; - is standard input."
    )
    var data: String

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func run() throws {
        let pipeline = try model.open(global, passes)
        let metrics = try evaluate(pipeline)
        let page = EvaluationPage(metrics: metrics, labels: pipeline.labels, file: data)
        // How the data were read comes before what came out.
        model.reportNotes(pipeline, global)
        page.notes.forEach(global.note)
        Console.print(global.json ? "\(page.json)" : page.text(brief: global.quiet))
    }

    private func evaluate(_ pipeline: EncoderPipeline) throws -> EvaluationMetrics {
        let options = columns.options(pipeline.evaluationOptions)
        if case .tokenClassification = pipeline.head {
            guard columns.pairColumn == nil else {
                throw CommandError(
                    .usage,
                    "\(model.model): is a token classifier, whose data are words with labels; --pair-column is for "
                        + "classifiers of texts")
            }
            let dataset = try TaggedDataset(contentsOf: data, format: columns.format, options: options)
            dataset.notes.forEach(global.note)
            return try pipeline.evaluate(dataset)
        }
        let dataset = try TextDataset.load(path: data, format: columns.format, options: options)
        dataset.notes.forEach(global.note)
        return try pipeline.evaluate(dataset)
    }
}
