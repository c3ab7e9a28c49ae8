import ArgumentParser
import Text

/// Queries and the documents that they should find.
struct RetrievalOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Queries, with \"_id\" and \"text\": .jsonl, .tsv or .csv.")
    var queries: String?

    @Option(parsing: .unconditional, help: "Documents, with \"_id\", \"text\" and perhaps \"title\".")
    var corpus: String?

    @Option(
        parsing: .unconditional,
        help: "Which documents are relevant: the identifiers of a query and a document, and perhaps a number."
    )
    var relevance: String?

    func validate() throws {
        let given = [queries, corpus, relevance].count { $0 != nil }
        guard given == 0 || given == 3 else {
            throw ValidationError("--queries, --corpus and --relevance belong together; give all three")
        }
    }

    /// The data set; `nil` when none was named.
    func read() throws -> RetrievalDataset? {
        guard let queries, let corpus, let relevance else { return nil }
        return try RetrievalDataset(queries: queries, corpus: corpus, relevance: relevance)
    }
}
