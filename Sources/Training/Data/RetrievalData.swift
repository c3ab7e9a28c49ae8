import GraphCompiler
import Pipelines
import Support
import Text

/// Tokenised queries and documents that a run is measured on.
struct RetrievalData {
    let path: String
    let queries: [Encoding]
    let documents: [Encoding]
    let relevant: [Set<Int>]
    let order: [Int]
    let notes: [String]

    /// Reads the files that the configuration names.
    ///
    /// - Parameter columns: the names of the training data's columns, whose prompts go for queries and documents.
    /// - Returns: `nil` when it names none.
    init?(_ training: TrainingConfig, _ source: ModelSource, columns: [String], maxLength: Int) throws {
        guard let queries = training.evaluation.queriesFile, let corpus = training.evaluation.corpusFile,
            let relevance = training.evaluation.relevanceFile
        else { return nil }
        let data = try RetrievalDataset(
            queries: training.resolve(queries), corpus: training.resolve(corpus),
            relevance: training.resolve(relevance))
        func encode(_ texts: RetrievalDataset.Texts, _ column: Int) throws -> [Encoding] {
            let prompt =
                columns.indices.contains(column) ? training.loss.prompts.prompt(of: columns[column]) : ""
            return try Compiler.tasks(threads: training.machine.threads).map(
                texts.texts.count,
                throwing: { index in
                    do throws(TextError) {
                        return try source.tokenizer.encode(prompt + texts.texts[index], maxLength: maxLength)
                    } catch {
                        throw TextError(error.kind, file: texts.file, line: texts.lines[index], error.message)
                    }
                })
        }
        path = data.queries.file
        self.queries = try encode(data.queries, 0)
        documents = try encode(data.documents, 1)
        (relevant, order, notes) = (data.relevant, data.order, data.notes)
    }

    /// What the queries find.
    func metrics(_ runner: SequenceRunner, threads: Int?) throws -> RetrievalMetrics {
        RetrievalMetrics(
            queries: try runner.rows(of: SentenceTraining.output, on: queries),
            documents: try runner.rows(of: SentenceTraining.output, on: documents), relevant: relevant,
            order: order, runner: Compiler.tasks(threads: threads))
    }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: queries + documents)
        for documents in relevant { fingerprint.add(documents.sorted().map(Int32.init)) }
        return fingerprint.text
    }
}
