import Support

/// Reads JSON objects with a list of words and a list of their labels: `{"tokens": ["EU", …], "tags": ["B-ORG", …]}`.
struct TaggedRecords {
    static let wordNames: [TextKey] = ["tokens", "words", "token", "word"]
    private static let labelNames: [TextKey] = [
        "tags", "nertags", "labels", "ner", "nerlabels", "tokenlabels", "label", "tag", "postags",
        "chunktags", "upos",
    ]

    private let path: String
    private let options: TextDataset.Options
    private let records: JSONRecords

    init(_ file: SourceFile, _ options: TextDataset.Options) throws(TextError) {
        path = file.path
        self.options = options
        records = try JSONRecords(file)
    }

    /// Whether the first object of a JSON file holds a list of words.
    static func begins(_ file: SourceFile) -> Bool {
        guard let first = try? JSONRecords(file).values.first?.object else { return false }
        return first.members.contains {
            wordNames.contains(ColumnNames.folded($0.name)) && $0.value.array != nil
        }
    }

    func dataset() throws(TextError) -> TaggedDataset {
        var sentences: [TaggedSentence] = []
        for (value, line) in zip(records.values, records.lines) {
            let sentence = try sentence(value, line)
            if !sentence.words.isEmpty { sentences.append(sentence) }
        }
        return TaggedDataset(sentences, file: path, notes: records.notes)
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
        let tokens = try member(options.textColumn, Self.wordNames, "list of words")
        guard let words = tokens.value.array, words.allSatisfy({ $0.string != nil }) else {
            throw failure(.invalidColumns, "the member \"\(tokens.name)\" is not a list of strings")
        }
        let lines = [Int](repeating: line, count: words.count)
        let texts = words.compactMap(\.string)
        guard options.labels != .unused else { return TaggedSentence(words: texts, labels: [], lines: lines) }
        let tags = try member(options.labelColumn, Self.labelNames, "list of labels")
        guard let values = tags.value.array else {
            throw failure(
                .invalidLabel, "the member \"\(tags.name)\" is \(tags.value.kind); expected a list of labels")
        }
        guard values.count == words.count else {
            throw failure(
                .countMismatch,
                "has \(words.count) words but \(values.count) labels; expected one for each word")
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
