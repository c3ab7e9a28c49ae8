import Support

/// A line of a word and what is known of it.
struct TaggedRow {
    let columns: [String]
    let line: Int
    let hasTab: Bool
}

/// The rows of a file of words, sentence by sentence.
///
/// Columns are separated by tabs in a line that has one, else by spaces, or as in CSV. Blank lines end sentences.
/// `-DOCSTART-` begins a document; lines that begin with `#` and are not laid out as words are comments.
struct TaggedRows {
    let path: String
    var sentences: [[TaggedRow]] = [[]]

    init(_ file: SourceFile) {
        path = file.path
        for (index, bytes) in file.lines.enumerated() { append(Self.row(bytes, line: index + 1)) }
        removeComments()
        sentences.removeAll(where: \.isEmpty)
    }

    init(csv file: SourceFile) throws(TextError) {
        path = file.path
        let cells = try DelimitedCells.csv(file.bytes, path: file.path)
        for row in 0..<cells.count {
            if row > 0, cells.lines[row] > cells.lines[row - 1] + 1 { sentences.append([]) }
            let columns = cells.trimmedRow(row)
            let isBlank = columns.allSatisfy(\.isEmpty)
            append(TaggedRow(columns: isBlank ? [] : columns, line: cells.lines[row], hasTab: true))
        }
        sentences.removeAll(where: \.isEmpty)
    }

    var all: [TaggedRow] { sentences.flatMap { $0 } }

    private mutating func append(_ row: TaggedRow) {
        if row.columns.isEmpty || row.columns.prefix(2).contains(where: { $0.hasPrefix("-DOCSTART-") }) {
            sentences.append([])
        } else {
            sentences[sentences.count - 1].append(row)
        }
    }

    /// The columns of a line; none of a blank one.
    private static func row(_ bytes: ArraySlice<UInt8>, line: Int) -> TaggedRow {
        let (tab, space) = (UInt8(ascii: "\t"), UInt8(ascii: " "))
        guard !isBlank(bytes) else { return TaggedRow(columns: [], line: line, hasTab: false) }
        guard bytes.contains(tab) else {
            return TaggedRow(
                columns: bytes.split(separator: space).map { String(utf8: $0) }, line: line, hasTab: false)
        }
        let cells = bytes.split(separator: tab, omittingEmptySubsequences: false).map { cell in
            let text = String(utf8: cell)
            // A word may be a space; spaces around one are not part of it.
            return text.trimmed.isEmpty ? text : text.trimmed
        }
        return TaggedRow(columns: cells, line: line, hasTab: true)
    }

    /// Without anything to see: spaces of any kind, and characters of no width.
    private static func isBlank(_ bytes: ArraySlice<UInt8>) -> Bool {
        if bytes.contains(where: { (0x21...0x7E).contains($0) }) { return false }
        return String(utf8: bytes).unicodeScalars.allSatisfy {
            $0.properties.isWhitespace || $0 == "\u{200B}" || $0 == "\u{FEFF}"
        }
    }

    private mutating func removeComments() {
        let words = sentences.lazy.flatMap { $0 }.filter { $0.columns[0] != "#" }
        var widths: [Int: Int] = [:]
        var lastColumns: Set<TextKey> = []
        for row in words {
            widths[row.columns.count, default: 0] += 1
            lastColumns.insert(TextKey(row.columns[row.columns.count - 1]))
        }
        guard let usual = widths.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else { return }
        func isComment(_ row: TaggedRow) -> Bool {
            guard row.columns[0].hasPrefix("#") else { return false }
            guard row.columns.count == usual else { return true }
            if row.hasTab || row.columns[0] != "#" { return false }
            let isSetting = row.columns.count > 2 && row.columns[2] == "="
            return isSetting || !lastColumns.contains(TextKey(row.columns[row.columns.count - 1]))
        }
        for index in sentences.indices { sentences[index].removeAll(where: isComment) }
    }

    // MARK: What the rows are

    /// Whether the first row names the columns: by its names, or because a column is of tags but there.
    var beginWithHeader: Bool {
        guard let first = sentences.first?.first else { return false }
        if TaggedNames.isHeader(first.columns) { return true }
        let below = all.dropFirst()
        return first.columns.indices.contains { column in
            let name = first.columns[column]
            guard name.contains(where: \.isLetter), !TextKey(name).isTag else { return false }
            return Self.areTags(below, column) && below.contains { TextKey($0.columns[column]).isPrefixedTag }
        }
    }

    /// Whether the rows are unmistakably words with labels, and not texts that happen to be of as many words each.
    var areTagged: Bool {
        guard let first = sentences.first?.first, first.columns.count > 1 else { return false }
        let rows = beginWithHeader ? all.dropFirst() : all[...]
        guard rows.allSatisfy({ $0.columns.count == first.columns.count }) else { return false }
        if TaggedNames.isHeader(first.columns) { return true }
        let haveTabs = rows.allSatisfy(\.hasTab)
        if haveTabs, first.columns.count == 10, rows.allSatisfy({ $0.columns[0].isOrdinal }) { return true }
        return first.columns.indices.contains { column in
            let outside = rows.count { $0.columns[column] == "O" }
            // Verses may begin with an O.
            let isLast = column == first.columns.count - 1
            guard haveTabs || isLast || rows.contains(where: { TextKey($0.columns[column]).isPrefixedTag })
            else { return false }
            if rows.count > 1, Self.areTags(rows, column), outside > 0 || haveTabs { return true }
            return sentences.count > 1 && outside * 3 >= rows.count
        }
    }

    private static func areTags(_ rows: ArraySlice<TaggedRow>, _ column: Int) -> Bool {
        !rows.isEmpty && rows.allSatisfy { column < $0.columns.count && TextKey($0.columns[column]).isTag }
    }
}

extension String {
    /// A number, or two that belong together: CoNLL-U's ranges of words (`1-2`) and empty nodes (`1.1`).
    var isOrdinal: Bool {
        let parts = split(separator: "-", omittingEmptySubsequences: false).flatMap {
            $0.split(separator: ".", omittingEmptySubsequences: false)
        }
        return parts.count <= 2
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }
}
