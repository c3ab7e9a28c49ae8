import Support

/// Queries, documents, and which documents answer which query: BEIR's files, or tables like them.
package struct RetrievalDataset: Sendable, Equatable {
    /// Texts with identifiers.
    package struct Texts: Sendable, Equatable {
        package let file: String
        package let ids: [String]
        package let texts: [String]
        package let lines: [Int]
    }

    package let queries: Texts
    package let documents: Texts
    /// The relevant documents of each query, as indices.
    package let relevant: [Set<Int>]
    /// The place of each document in the order of identifiers, which decides between equal scores.
    package let order: [Int]
    /// What to know about the files.
    package let notes: [String]

    /// Reads the three files.
    ///
    /// - Parameters:
    ///   - queries: a table with `_id` (or another identifier) and `text`.
    ///   - corpus: the same for documents, perhaps with a `title` that is put before the text.
    ///   - relevance: rows of a query's identifier, a document's, and perhaps a number; 0 and less is not relevant.
    /// - Throws: a `FileError`, or a `TextError` with file and line.
    package init(queries: String, corpus: String, relevance: String) throws {
        self.queries = try Texts(contentsOf: queries)
        documents = try Texts(contentsOf: corpus)
        let table = try IdentifiedTable(contentsOf: relevance)
        let (queryIndex, documentIndex) = (try self.queries.index(), try documents.index())
        var relevant = [Set<Int>](repeating: [], count: self.queries.ids.count)
        for row in table.rows {
            let cells = try table.relevance(row)
            guard let query = queryIndex[TextKey(cells.query)] else {
                throw table.failure(
                    row, "has the query \"\(cells.query)\", which is not in \(self.queries.file)")
            }
            guard let document = documentIndex[TextKey(cells.document)] else {
                throw table.failure(
                    row, "has the document \"\(cells.document)\", which is not in \(documents.file)")
            }
            if cells.isRelevant { relevant[query].insert(document) }
        }
        self.relevant = relevant
        let ids = documents.ids.map { TextKey($0) }
        var order = [Int](repeating: 0, count: ids.count)
        for (place, index) in ids.indices.sorted(by: { ids[$0] < ids[$1] }).enumerated() {
            order[index] = place
        }
        self.order = order
        let unasked = relevant.count(where: \.isEmpty)
        guard unasked < relevant.count else {
            throw TextError(
                .emptyDataset, file: table.path, "has no relevant document; expected at least one")
        }
        notes =
            unasked == 0
            ? []
            : [
                "\(self.queries.file): \(Formatted.count(unasked, "query has", "queries have")) no relevant document and \(unasked == 1 ? "is" : "are") left out"
            ]
    }
}

extension RetrievalDataset.Texts {
    fileprivate init(contentsOf path: String) throws {
        let table = try IdentifiedTable(contentsOf: path)
        let columns = try table.textColumns()
        file = table.path
        lines = table.rows.map(table.line)
        ids = try table.rows.map { try table.value($0, columns.id) }
        texts = try table.rows.map { row in
            let text = try table.value(row, columns.text)
            guard let title = columns.title, let words = table.cell(row, title), !words.isEmpty else {
                return text
            }
            return "\(words) \(text)".trimmed
        }
    }

    fileprivate func index() throws(TextError) -> [TextKey: Int] {
        var index: [TextKey: Int] = [:]
        for (place, id) in ids.enumerated() {
            if let first = index.updateValue(place, forKey: TextKey(id)) {
                throw TextError(
                    .invalidColumns, file: file, line: lines[place],
                    "has the identifier \"\(id)\" of line \(lines[first]); identifiers must differ")
            }
        }
        return index
    }
}

/// A table whose rows have identifiers.
private struct IdentifiedTable {
    private let table: DataTable
    private let names: [String]?
    let rows: Range<Int>

    init(contentsOf path: String) throws {
        let file = try SourceFile(path: path, expected: "a data file (.tsv, .csv or .jsonl)")
        switch try DataFormat.of(file, at: path) {
        case .csv: table = try DataTable(csv: file)
        case .json, .jsonl: table = try DataTable(json: file)
        case .tsv, .lines, .auto, .conll: table = try DataTable(tsv: file)
        }
        let first = table.names(inRow: 0) ?? []
        let hasHeader =
            table.memberNames == nil && first.contains { Self.identifiers.contains(ColumnNames.folded($0)) }
        names = hasHeader ? first : table.memberNames
        rows = (hasHeader ? 1 : 0)..<max(hasHeader ? 1 : 0, table.rowCount)
        guard !rows.isEmpty else {
            throw TextError(.emptyDataset, file: table.path, "holds no rows; expected at least one")
        }
    }

    private static let identifiers: Set<TextKey> = [
        "id", "qid", "pid", "docid", "did", "queryid", "corpusid", "documentid", "passageid",
    ]

    var path: String { table.path }
    func line(_ row: Int) -> Int { table.line(row) }
    func cell(_ row: Int, _ column: Int) -> String? {
        switch table.cell(row, column) {
        case .text(let text): text
        case .scalar(let text, _): text
        case .missing, .nested: nil
        }
    }

    func value(_ row: Int, _ column: Int) throws(TextError) -> String {
        guard let value = cell(row, column) else {
            throw failure(row, "has nothing in \(title(column)); expected a text")
        }
        return value
    }

    func failure(_ row: Int, _ problem: String) -> TextError {
        TextError(.invalidColumns, file: path, line: line(row), problem)
    }

    private func title(_ column: Int) -> String { ColumnLayout.title(column, names, isJSON: table.isObjects) }

    private func position(_ wanted: Set<TextKey>) -> Int? {
        names?.firstIndex { wanted.contains(ColumnNames.folded($0)) }
    }

    func textColumns() throws(TextError) -> (id: Int, text: Int, title: Int?) {
        let id = position(Self.identifiers) ?? 0
        let text = position(["text", "query", "question", "passage", "document", "contents"]) ?? 1
        guard text < table.columnCount, id != text else {
            throw TextError(
                .invalidColumns, file: path, line: line(rows.lowerBound),
                "has no columns of identifiers and texts; expected \"_id\" and \"text\"")
        }
        return (id, text, position(["title"]))
    }

    /// Columns between spaces, as TREC's files have them.
    private func spaced(_ row: Int) throws(TextError) -> (query: String, document: String, isRelevant: Bool) {
        let fields = try value(row, 0).split(whereSeparator: \.isWhitespace).map(String.init)
        guard (3...4).contains(fields.count), let last = fields.last, let number = Double(last) else {
            throw failure(
                row,
                "has one column; expected a query, a document and perhaps a number, between tabs, or TREC's form"
            )
        }
        return (fields[0], fields[fields.count - 2], number > 0)
    }

    /// By their names, else two, three or (as TREC has them) four columns.
    func relevance(_ row: Int) throws(TextError) -> (query: String, document: String, isRelevant: Bool) {
        let count = table.columnCount
        if count == 1 { return try spaced(row) }
        let query = position(["queryid", "qid"]) ?? 0
        let document =
            position(["corpusid", "docid", "pid", "did", "documentid", "passageid"]) ?? (count == 4 ? 2 : 1)
        let score = position(["score", "relevance", "label"]) ?? (count > 2 ? count - 1 : nil)
        var isRelevant = true
        if let score {
            let text = try value(row, score)
            guard let number = Double(text.trimmed) else {
                throw failure(row, "has no number in \(title(score)), but \"\(text)\"")
            }
            isRelevant = number > 0
        }
        return (try value(row, query).trimmed, try value(row, document).trimmed, isRelevant)
    }
}
