import Support

/// Reads JSON objects with a list of words and a list of their labels: `{"tokens": ["EU", …], "tags": ["B-ORG", …]}`.
struct TaggedRecords {
    private let path: String
    private let options: TextDataset.Options
    private let values: [JSONValue]
    private let lines: [Int]
    private var notes: [String]
    /// The members to read; `nil` where none has a known name.
    private var words: ColumnSelector?
    private var labels: ColumnSelector?

    init(_ file: SourceFile, _ options: TextDataset.Options) throws(TextError) {
        path = file.path
        self.options = options
        (words, labels) = (options.textColumn, options.labelColumn)
        if let columns = Self.columns(file) {
            (values, lines) = (columns, columns.map { _ in 1 })
            notes = ["\(path): is an object of columns"]
        } else {
            let records = try JSONRecords(file)
            (values, lines, notes) = (records.values, records.lines, records.notes)
        }
        words = words ?? choice(TaggedNames.words, "words")
        if options.labels != .unused { labels = labels ?? choice(TaggedNames.labels, "labels") }
    }

    /// The lists of the first object that have known names, the most telling first. A note says which are not used.
    private mutating func choice(_ names: [TextKey], _ what: String) -> ColumnSelector? {
        let members = values.first?.object?.members.filter { $0.value.array != nil } ?? []
        let found = names.flatMap { name in
            members.map(\.name).filter { ColumnNames.folded($0) == name }
        }
        guard let first = found.first else { return nil }
        if found.count > 1 {
            let others = found.dropFirst().map { "\"\($0)\"" }.joined(separator: ", ")
            notes.append("\(path): the \(what) are \"\(first)\"; not used: \(others)")
        }
        return .name(first)
    }

    /// Whether the first object of a JSON file holds a list of words.
    static func begins(_ file: SourceFile) -> Bool {
        if columns(file) != nil { return true }
        guard let first = try? JSONRecords(file).values.first?.object else { return false }
        return hasWords(first)
    }

    private static func hasWords(_ object: JSONObject) -> Bool {
        object.members.contains {
            TaggedNames.words.contains(ColumnNames.folded($0.name)) && $0.value.array != nil
        }
    }

    /// The sentences of a file that is one object with a list for each member of a sentence, as
    /// `{"tokens": [["EU", …], …], "tags": [["B-ORG", …], …]}`.
    private static func columns(_ file: SourceFile) -> [JSONValue]? {
        guard file.bytes.first(where: { !($0 == 0x20 || (0x09...0x0D).contains($0)) }) == UInt8(ascii: "{"),
            let value = try? file.json(repeatedNames: .lastCounts), let columns = JSONColumns(value)
        else { return nil }
        let rows = columns.rows.map { JSONValue.object(Array(zip(columns.names, $0))) }
        return rows.first?.object.map(hasWords) ?? false ? rows : nil
    }

    func dataset() throws(TextError) -> TaggedDataset {
        var sentences: [TaggedSentence] = []
        for (value, line) in zip(values, lines) {
            let sentence = try sentence(value, line)
            if !sentence.words.isEmpty { sentences.append(sentence) }
        }
        return TaggedDataset(sentences, file: path, notes: notes)
    }

    private func sentence(_ value: JSONValue, _ line: Int) throws(TextError) -> TaggedSentence {
        func failure(_ kind: TextError.Kind, _ message: String) -> TextError {
            TextError(kind, file: path, line: line, message)
        }
        guard let object = value.object else {
            throw failure(.invalidJSON, "is \(value.kind); expected an object with \"tokens\" and \"tags\"")
        }
        func member(_ selector: ColumnSelector?, _ names: [TextKey], _ what: String) throws(TextError) -> (
            name: String, value: JSONValue
        ) {
            let found: JSONObject.Member?
            if let selector {
                let name = selector.name ?? ""
                found = object.members.first { $0.name.hasSameCodePoints(as: name) }
            } else {
                found =
                    names.lazy.compactMap { name in
                        object.members.first { ColumnNames.folded($0.name) == name }
                    }.first
            }
            guard let found else {
                let wanted = selector.map { "\"\($0.name ?? "by number")\"" } ?? "\"\(names[0])\""
                throw failure(
                    .invalidColumns,
                    "no \(what) among the members \(object.names.joined(separator: ", ")); expected \(wanted)"
                )
            }
            return found
        }
        let tokens = try member(words, TaggedNames.words, "list of words")
        guard let list = tokens.value.array, list.allSatisfy({ $0.string != nil }) else {
            throw failure(.invalidColumns, "the member \"\(tokens.name)\" is not a list of strings")
        }
        let lines = [Int](repeating: line, count: list.count)
        let texts = list.compactMap(\.string)
        guard options.labels != .unused else { return TaggedSentence(words: texts, labels: [], lines: lines) }
        let tags = try member(labels, TaggedNames.labels, "list of labels")
        guard let values = tags.value.array else {
            throw failure(
                .invalidLabel, "the member \"\(tags.name)\" is \(tags.value.kind); expected a list of labels")
        }
        guard values.count == list.count else {
            throw failure(
                .countMismatch,
                "has \(Formatted.count(list.count, "word")) but \(Formatted.count(values.count, "label")); expected one for each word"
            )
        }
        var labels: [String] = []
        for value in values {
            guard let label = DataCell(value).label, !label.isEmpty else {
                throw failure(.invalidLabel, "a label is \(value.kind); expected a string or a number")
            }
            guard label != "-100" else {
                throw failure(
                    .invalidLabel, "a label is -100, which stands for no label; every word needs one")
            }
            labels.append(label)
        }
        return TaggedSentence(words: texts, labels: labels, lines: lines)
    }
}
