import Support

/// Reads the layout of CoNLL's shared tasks: a word and its label a line, sentences ended by blank lines.
///
/// The word is the first column, after a column that counts the words of each sentence, and the label the last. Where
/// another column has the tags (`O`, `B-PER` …) and the last has not, that one is the label. Columns are separated by
/// tabs in a line that has one, else by spaces. `-DOCSTART-` begins a document; lines that begin with `#` and are not
/// laid out as words are comments; CoNLL-U's ranges (`1-2`) and empty nodes (`1.1`) are no words.
struct TaggedLines {
    private struct Row {
        let columns: [String]
        let line: Int
        let hasTab: Bool
    }

    private let path: String
    private let options: TextDataset.Options
    /// The rows of each sentence.
    private var sentences: [[Row]] = [[]]
    private var notes: [String] = []
    private var width = 0

    init(_ file: SourceFile, _ options: TextDataset.Options) throws(TextError) {
        path = file.path
        self.options = options
        for (index, bytes) in file.lines.enumerated() {
            let row = Self.row(bytes, line: index + 1)
            if row.columns.isEmpty || row.columns.prefix(2).contains(where: { $0.hasPrefix("-DOCSTART-") }) {
                sentences.append([])
            } else {
                sentences[sentences.count - 1].append(row)
            }
        }
        removeComments()
        sentences.removeAll(where: \.isEmpty)
        try checkWidths()
    }

    /// The columns of a line; none of a blank one.
    private static func row(_ bytes: ArraySlice<UInt8>, line: Int) -> Row {
        let (tab, space) = (UInt8(ascii: "\t"), UInt8(ascii: " "))
        guard !isBlank(bytes) else { return Row(columns: [], line: line, hasTab: false) }
        guard bytes.contains(tab) else {
            return Row(
                columns: bytes.split(separator: space).map { String(utf8: $0) }, line: line, hasTab: false)
        }
        let cells = bytes.split(separator: tab, omittingEmptySubsequences: false).map { cell in
            let text = String(utf8: cell)
            // A word may be a space; spaces around one are not part of it.
            return text.trimmed.isEmpty ? text : text.trimmed
        }
        return Row(columns: cells, line: line, hasTab: true)
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
        func isComment(_ row: Row) -> Bool {
            guard row.columns[0].hasPrefix("#") else { return false }
            guard row.columns.count == usual else { return true }
            if row.hasTab || row.columns[0] != "#" { return false }
            let isSetting = row.columns.count > 2 && row.columns[2] == "="
            return isSetting || !lastColumns.contains(TextKey(row.columns[row.columns.count - 1]))
        }
        for index in sentences.indices { sentences[index].removeAll(where: isComment) }
    }

    private mutating func checkWidths() throws(TextError) {
        let least = options.labels == .unused ? 1 : 2
        width = max(least, sentences.first?.first?.columns.count ?? least)
        for row in sentences.joined() where row.columns.count != width {
            throw failure(row, "\(row.columns.count) columns")
        }
    }

    private func failure(_ row: Row, _ found: String) -> TextError {
        TextError(
            .invalidColumns, file: path, line: row.line,
            "has \(found); expected \(width), the word first and its label last, between tabs or spaces")
    }

    // MARK: Columns

    func dataset() throws(TextError) -> TaggedDataset {
        guard !sentences.isEmpty else { return TaggedDataset([], file: path) }
        let isNumbered = hasNumbers
        let chosen = (word: try position(options.textColumn), label: try position(options.labelColumn))
        var rows = sentences
        if isNumbered {
            for index in rows.indices { rows[index].removeAll { Int($0.columns[0]) == nil } }
        }
        let start = isNumbered ? 1 : 0
        var label = chosen.label
        if label == nil, width - start > 1 {
            label = try labelColumn(rows, from: start, word: chosen.word)
        }
        let word = chosen.word ?? (start == label ? start + 1 : start)
        var notes = notes
        if chosen.word == nil && word > 0 || chosen.label == nil && label != nil && label != width - 1 {
            let columns = ["word is column \(word)"] + (label.map { ["label is column \($0)"] } ?? [])
            notes.append("\(path): \(columns.joined(separator: ", ")) (of \(width), counted from 0)")
        }
        var result: [TaggedSentence] = []
        for sentence in rows where !sentence.isEmpty {
            let labels =
                options.labels == .unused
                ? nil : label.map { column in sentence.map { $0.columns[column].trimmed } }
            for (index, row) in sentence.enumerated()
            where row.columns[word].isEmpty || labels?[index].isEmpty ?? false {
                throw failure(row, "an empty column")
            }
            result.append(
                TaggedSentence(
                    words: sentence.map { $0.columns[word] }, labels: labels ?? [],
                    lines: sentence.map(\.line)))
        }
        return TaggedDataset(result, file: path, notes: notes)
    }

    private func position(_ selector: ColumnSelector?) throws(TextError) -> Int? {
        switch selector {
        case nil: return nil
        case .index(let index) where (0..<width).contains(index): return index
        case .index(let index):
            throw TextError(
                .invalidColumns, file: path, line: 1,
                "has \(width) columns; column \(index) was asked for (columns count from 0)")
        case .name(let name):
            throw TextError(
                .invalidColumns, file: path, line: 1,
                "has no column named \"\(name)\"; columns of CoNLL files are chosen by number, counted from 0"
            )
        }
    }

    /// Whether the first column counts the words of each sentence, beside a word and a label.
    private var hasNumbers: Bool {
        guard width > (options.labels == .unused ? 1 : 2) else { return false }
        for sentence in sentences {
            var next: Int?
            for row in sentence {
                let number = row.columns[0]
                guard let value = Int(number) else {
                    let parts = number.split(whereSeparator: { $0 == "-" || $0 == "." })
                    guard parts.count == 2, parts.allSatisfy({ Int($0) != nil }) else { return false }
                    continue
                }
                guard next.map({ value == $0 }) ?? (value == 0 || value == 1) else { return false }
                next = value + 1
            }
        }
        return true
    }

    private func labelColumn(_ rows: [[Row]], from start: Int, word: Int?) throws(TextError) -> Int {
        let rows = rows.flatMap { $0 }
        let columns = (start..<width).filter { $0 != word }
        var values: [Int: [TextKey: Int]] = [:]
        for row in rows.prefix(100_000) {
            for column in columns {
                values[column, default: [:]][TextKey(row.columns[column]), default: 0] += 1
            }
        }
        func distinct(_ column: Int) -> Int { values[column]?.count ?? 0 }
        func areTags(_ column: Int) -> Bool { values[column]?.keys.allSatisfy(\.isTag) ?? false }
        func haveOutside(_ column: Int) -> Bool {
            values[column]?["O"] != nil && distinct(column) * 2 <= max(4, rows.count)
        }
        let last = width - 1
        for isLabel in [areTags, haveOutside] {
            if isLabel(last) { return last }
            let others = columns.filter(isLabel)
            if others.count == 1 { return others[0] }
            guard others.isEmpty || options.labels == .unused else {
                throw unclear("columns \(list(others)) may be the label", rows)
            }
        }
        let isConstant = distinct(last) == 1 && rows.count > 3 && width > 2
        let areWords = rows.count >= 10 && distinct(last) * 2 > rows.count
        let isReversed = rows.count >= 10 && distinct(last) > 2 * distinct(start) && start != last
        guard options.labels == .unused || !isConstant && !areWords && !isReversed else {
            throw unclear("the last column does not look like labels", rows)
        }
        return last
    }

    private func list(_ columns: [Int]) -> String { columns.map { "\($0)" }.joined(separator: " and ") }

    private func unclear(_ problem: String, _ rows: [Row]) -> TextError {
        let columns = (0..<min(width, 12)).map { column in
            "\(column) (\(rows.prefix(3).map { String($0.columns[column].prefix(16)) }.joined(separator: " | ")))"
        }
        return TextError(
            .invalidColumns, file: path, line: rows.first?.line,
            "\(problem); the columns are \(columns.joined(separator: ", ")); set the label column and the word column "
                + "by number ('labelColumn' and 'textColumn', --label-column and --text-column)")
    }
}

extension TextKey {
    /// `O`, or a prefix of a tagging scheme and a type: `B-PER`, `I-MISC`, `U-LOC`.
    fileprivate var isTag: Bool {
        if text == "O" { return true }
        let bytes = Array(text.utf8.prefix(3))
        return bytes.count == 3 && "BIESLUM".utf8.contains(bytes[0]) && (bytes[1] == 0x2D || bytes[1] == 0x5F)
    }
}
