import Support

/// Reads the layout of CoNLL's shared tasks: a word and its label a line, sentences ended by blank lines.
///
/// A first row of names is a header. The word is the first column that does not count or name words, sentences or
/// documents, and the label the last. Where another column has the tags (`O`, `B-PER` …) and the last has not, that one
/// is the label. CoNLL-U's ranges (`1-2`) and empty nodes (`1.1`) are no words.
struct TaggedLines {
    private let path: String
    private let options: TextDataset.Options
    /// The rows of each sentence.
    private var sentences: [[TaggedRow]]
    /// The names of the columns.
    private var names: [String]?
    private var notes: [String] = []
    private let width: Int

    init(_ rows: TaggedRows, _ options: TextDataset.Options) throws(TextError) {
        path = rows.path
        self.options = options
        sentences = rows.sentences
        let least = options.labels == .unused ? 1 : 2
        width = max(least, sentences.first?.first?.columns.count ?? least)
        for row in sentences.joined() where row.columns.count != width {
            throw failure(row, Formatted.count(row.columns.count, "column"))
        }
        if hasHeader(rows) { try removeHeader() }
    }

    private func failure(_ row: TaggedRow, _ found: String) -> TextError {
        TextError(
            .invalidColumns, file: path, line: row.line,
            "has \(found); expected \(width), the word first and its label last, between tabs or spaces")
    }

    // MARK: Header

    private func hasHeader(_ rows: TaggedRows) -> Bool {
        switch options.header {
        case .present: !rows.sentences.isEmpty
        case .absent: false
        case .auto:
            [options.textColumn, options.labelColumn].contains { $0?.name != nil } || rows.beginWithHeader
        }
    }

    private mutating func removeHeader() throws(TextError) {
        let header = sentences[0].removeFirst()
        sentences.removeAll(where: \.isEmpty)
        names = header.columns
        if let row = sentences.joined().first(where: { $0.columns == header.columns }) {
            throw TextError(
                .invalidColumns, file: path, line: row.line,
                "repeats the header of line \(header.line); remove it")
        }
        guard options.header == .auto else { return }
        let columns = header.columns.map { "\"\($0)\"" }.joined(separator: ", ")
        notes.append("\(path):\(header.line): is a header (\(columns)) and not a word")
    }

    private func named(_ known: [TextKey]) -> Int? {
        guard let folded = names?.map(ColumnNames.folded) else { return nil }
        return known.lazy.compactMap { folded.firstIndex(of: $0) }.first
    }

    // MARK: Columns

    func dataset() throws(TextError) -> TaggedDataset {
        guard !sentences.isEmpty else { return TaggedDataset([], file: path) }
        let chosen = (word: try position(options.textColumn), label: try position(options.labelColumn))
        let counters = Set((0..<width).filter(isCounter))
        var (rows, notes) = (sentences, notes)
        if width > (options.labels == .unused ? 1 : 2), counters.contains(0),
            sentences.joined().contains(where: { Int($0.columns[0]) != nil })
        {
            let isOrdinal = sentences.joined().allSatisfy(\.columns[0].isOrdinal)
            for index in rows.indices where isOrdinal { rows[index].removeAll { Int($0.columns[0]) == nil } }
        }
        var label = chosen.label ?? named(TaggedNames.labels)
        let content = (0..<width).filter { !counters.contains($0) || $0 == width - 1 }
        if label == nil, content.count > 1 || options.labels != .unused {
            label = try labelColumn(rows, from: content.first ?? 0, word: chosen.word)
        }
        let free = (0..<width).filter { $0 != label }
        let word =
            chosen.word ?? named(TaggedNames.words) ?? free.first { !counters.contains($0) } ?? free.first
            ?? 0
        if chosen.word == nil && word > 0 || chosen.label == nil && label != nil && label != width - 1 {
            let read = options.labels == .unused ? nil : label
            let columns = ["word is column \(word)"] + (read.map { ["label is column \($0)"] } ?? [])
            notes.append("\(path): \(columns.joined(separator: ", ")) (of \(width), counted from 0)")
        }
        if rows.count == 1, let column = counters.filter({ $0 < word && $0 != label }).min() {
            let split = Self.sentences(rows[0], by: column)
            if split.count > 1 { notes.append("\(path): column \(column) says where sentences end") }
            rows = split
        }
        try checkWords(rows, word)
        return TaggedDataset(try tagged(rows, word: word, label: label), file: path, notes: notes)
    }

    private func tagged(_ rows: [[TaggedRow]], word: Int, label: Int?) throws(TextError) -> [TaggedSentence] {
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
        return result
    }

    private func position(_ selector: ColumnSelector?) throws(TextError) -> Int? {
        switch selector {
        case nil: return nil
        case .index(let index) where (0..<width).contains(index): return index
        case .index(let index):
            throw TextError(
                .invalidColumns, file: path, line: 1,
                "has \(Formatted.count(width, "column")); column \(index) was asked for (columns are counted from 0)"
            )
        case .name(let name):
            if let index = names?.firstIndex(where: { $0.hasSameCodePoints(as: name) }) { return index }
            throw TextError(
                .invalidColumns, file: path, line: 1,
                "has no column named \"\(name)\" in its header (\((names ?? []).joined(separator: ", "))); columns of "
                    + "files without one are chosen by number, counted from 0")
        }
    }

    // MARK: Counters

    /// Whether a column counts or names words, sentences or documents: numbers that do not fall but to begin again, names
    /// that differ in their digits alone, or what is the same throughout each sentence.
    private func isCounter(_ column: Int) -> Bool {
        let values = sentences.map { $0.map { $0.columns[column].trimmed } }
        let count = values.reduce(0) { $0 + $1.count }
        if values.joined().allSatisfy(\.isOrdinal) {
            let numbers = values.map { $0.compactMap { Int($0) } }
            let rise = numbers.allSatisfy { zip($0, $0.dropFirst()).allSatisfy { $0 <= $1 || $1 <= 1 } }
            if rise, count > 1 || numbers.joined().allSatisfy({ $0 <= 1 }) { return true }
        } else {
            let frames = Set(values.joined().lazy.map { TextKey($0.filter { !$0.isNumber }) })
            if frames.count == 1, count > 1, values.joined().allSatisfy({ $0.contains(where: \.isNumber) }) {
                return true
            }
        }
        let filled = values.map { $0.filter { !$0.isEmpty } }
        let haveDigits = filled.joined().allSatisfy { $0.contains(where: \.isNumber) }
        if sentences.count == 1 {
            // Names of sentences, each of them in rows that follow one another, or in the first of them.
            let runs = zip(filled[0], filled[0].dropFirst()).count { $0 != $1 } + 1
            return haveDigits && !filled[0].isEmpty && runs < count && Set(filled[0]).count == runs
        }
        return (haveDigits || count > 3) && values.contains { $0.count > 1 }
            && filled.allSatisfy { Set($0).count == 1 }
    }

    /// Splits rows without blank lines where a column says that a sentence ends: another name, or a number that falls.
    private static func sentences(_ rows: [TaggedRow], by column: Int) -> [[TaggedRow]] {
        let values = rows.map { $0.columns[column].trimmed }
        let isName = values.contains("") || zip(values, values.dropFirst()).contains { $0 == $1 }
        var (result, last): ([[TaggedRow]], String) = ([], "")
        for (row, value) in zip(rows, values) {
            let isFall = if let new = Int(value), let old = Int(last) { new < old } else { false }
            if result.isEmpty || (isName ? !value.isEmpty && value != last : isFall) { result.append([]) }
            result[result.count - 1].append(row)
            if !value.isEmpty { last = value }
        }
        return result
    }

    // MARK: Labels

    private func labelColumn(_ rows: [[TaggedRow]], from start: Int, word: Int?) throws(TextError) -> Int {
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
        // CoNLL-U's last column has settings (`SpaceAfter=No`), and `_` for what has none.
        let areSettings =
            width > 2
            && values[last]?.keys.contains { $0.text == "_" || ($0.text.contains("=") && $0.text != "=") }
                ?? false
            && !(values[last]?.keys.contains(where: \.isPrefixedTag) ?? false)
        guard options.labels == .unused || !isConstant && !areWords && !isReversed && !areSettings else {
            throw unclear("the last column does not look like labels", rows)
        }
        return last
    }

    /// Refuses texts, such as those of a file for classifiers.
    private func checkWords(_ rows: [[TaggedRow]], _ word: Int) throws(TextError) {
        let all = rows.flatMap { $0 }
        let texts = all.filter { $0.columns[word].split(separator: " ").count > 2 }
        guard let first = texts.first, texts.count * 2 >= all.count else { return }
        throw TextError(
            .invalidColumns, file: path, line: first.line,
            "has a text and not a word in column \(word); words with labels are read from a line for each word, or from "
                + "JSON objects with \"tokens\" and \"tags\"")
    }

    private func list(_ columns: [Int]) -> String { columns.map { "\($0)" }.joined(separator: " and ") }

    private func unclear(_ problem: String, _ rows: [TaggedRow]) -> TextError {
        let columns = (0..<min(width, 12)).map { column in
            "\(column) (\(rows.prefix(3).map { String($0.columns[column].prefix(16)) }.joined(separator: " | ")))"
        }
        return TextError(
            .invalidColumns, file: path, line: rows.first?.line,
            "\(problem); the columns are \(columns.joined(separator: ", ")); set the label column and the word column "
                + "by number ('labelColumn' and 'textColumn', --label-column and --text-column)")
    }
}
