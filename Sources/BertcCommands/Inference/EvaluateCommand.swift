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
            for a token classifier also precision, recall and F1 of entities; for question answering
            exact match and F1 as SQuAD's scripts have them; of several labels micro, macro and sample F1;
            of multiple choice accuracy and loss.
            For a cross-encoder, whose data are queries with documents: nDCG, MRR and MAP of the rankings,
            correlations with the labels, and of labels 0 and 1 accuracy, F1 and average precision.
            For a model that makes vectors: correlations of cosines with the scores of pairs, the share of
            triplets that are told right, or with --queries, --corpus and --relevance what queries find.

            EXAMPLE:
              bertc evaluate runs/reviews data/rt.test.tsv
              bertc evaluate runs/mrpc dev.tsv --text-column 3 --pair-column 4 --json
              bertc evaluate runs/squad dev-v2.0.json --null-score-diff-threshold -1.5
              bertc evaluate runs/embedding --queries queries.jsonl --corpus corpus.jsonl --relevance qrels.tsv
            """)

    @OptionGroup var model: ModelOptions

    @Argument(
        help:
            "A .tsv, .csv, .jsonl or .txt file (labels of X.txt in X_labels.txt), also with .gz; for words a CoNLL file or JSON; for questions SQuAD's JSON; - is standard input."
    )
    var data: String?

    @OptionGroup(title: "Retrieval") var retrieval: RetrievalOptions
    @OptionGroup(title: "Columns") var columns: ColumnOptions
    @OptionGroup(title: "Questions") var answers: AnswerArguments
    @Option(
        name: .customLong("n-best-size"),
        help: "Starts and ends that are tried in each window of a context; 20 by default.")
    var nBest: Int?

    @OptionGroup var threshold: ThresholdOption

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        if let nBest, nBest < 1 { throw ValidationError("--n-best-size is \(nBest); expected at least 1") }
        guard data != nil || retrieval.queries != nil else {
            throw ValidationError("expected a data file, or --queries, --corpus and --relevance")
        }
        guard data == nil || retrieval.queries == nil else {
            throw ValidationError("give a data file or --queries, not both")
        }
    }

    func run() throws {
        let pipeline = try model.open(global, passes)
        let metrics = try evaluate(pipeline)
        let page = EvaluationPage(
            metrics: metrics, labels: pipeline.labels, file: data ?? retrieval.queries ?? "")
        // How the data were read comes before what came out.
        model.reportNotes(pipeline, global)
        page.notes.forEach(global.note)
        Console.print(global.json ? "\(page.json)" : page.text(brief: global.quiet))
    }

    private func evaluate(_ pipeline: EncoderPipeline) throws -> EvaluationMetrics {
        try answers.check(pipeline)
        try threshold.check(pipeline, separator: columns.labelSeparator)
        if pipeline.head == .encoder { return try evaluateVectors(pipeline) }
        guard let data else {
            throw CommandError(
                .usage,
                "\(model.model): has a head of its own; --queries are for models that make vectors of texts")
        }
        if pipeline.head == .questionAnswering { return try evaluateAnswers(pipeline, data) }
        guard nBest == nil else {
            throw CommandError(
                .usage, "\(model.model): does not answer questions; --n-best-size is for models that do")
        }
        if pipeline.isCrossEncoder {
            return try pipeline.evaluateRanking(groups(of: data, allowsLists: true))
        }
        if pipeline.head == .multipleChoice {
            let dataset = try ChoiceDataset(contentsOf: data, options: columns.choiceOptions)
            dataset.notes.forEach(global.note)
            return try pipeline.evaluate(dataset)
        }
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
        return try pipeline.evaluate(dataset, threshold: threshold.value)
    }

    private func evaluateAnswers(_ pipeline: EncoderPipeline, _ data: String) throws -> EvaluationMetrics {
        guard columns.areUsual else {
            throw CommandError(
                .usage,
                "\(model.model): answers questions, whose data are SQuAD's JSON; --format, --header and the columns are for other files"
            )
        }
        let dataset = try QuestionDataset(contentsOf: data)
        dataset.notes.forEach(global.note)
        var options = answers.options
        if let nBest { options.nBest = nBest }
        return try pipeline.evaluate(dataset, options: options)
    }

    private func evaluateVectors(_ pipeline: EncoderPipeline) throws -> EvaluationMetrics {
        if let dataset = try retrieval.read() {
            dataset.notes.forEach(global.note)
            return try pipeline.evaluate(dataset)
        }
        return try pipeline.evaluate(groups(of: data ?? "", allowsLists: false))
    }

    /// Examples of several texts: the columns that were chosen, else those that are found.
    private func groups(of data: String, allowsLists: Bool) throws -> GroupedDataset {
        var options = GroupedDataset.Options()
        (options.format, options.header) = (columns.format, columns.header)
        options.textColumns = [columns.textColumn, columns.pairColumn].compactMap(\.self).map {
            ColumnSelector($0)
        }
        options.labelColumn = columns.labelColumn.map { ColumnSelector($0) }
        options.allowsLists = allowsLists
        let dataset = try GroupedDataset(contentsOf: data, options: options)
        dataset.notes.forEach(global.note)
        return dataset
    }
}
