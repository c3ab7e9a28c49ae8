/// A sentence whose words have a label each.
package struct TaggedSentence: Sendable, Equatable {
    package let words: [String]
    /// As many as `words`, or none where labels were not asked for.
    package let labels: [String]
    /// One-based line of each word.
    package let lines: [Int]

    /// One-based line of the first word.
    package var line: Int { lines.first ?? 1 }

    package init(words: [String], labels: [String], lines: [Int]) {
        (self.words, self.labels, self.lines) = (words, labels, lines)
    }

    /// A sentence with a word on each line.
    package init(words: [String], labels: [String], line: Int) {
        self.init(words: words, labels: labels, lines: words.indices.map { line + $0 })
    }
}

/// Sentences in file order.
package struct TaggedDataset: Sendable, Equatable {
    package let sentences: [TaggedSentence]
    /// Path of the file.
    package let file: String
    /// What to know about how the file was read.
    package let notes: [String]

    package init(_ sentences: [TaggedSentence], file: String, notes: [String] = []) {
        (self.sentences, self.file, self.notes) = (sentences, file, notes)
    }

    /// Loads words with labels: a file in the layout of CoNLL's shared tasks, or JSON objects with lists of words and
    /// labels. `-` is standard input.
    ///
    /// - Parameter options: the columns or members of words (`textColumn`) and labels, and whether labels are read.
    /// - Throws: a `TextError` that names file and line for a missing file, invalid UTF-8, columns that may mean several
    ///   things, words without label, and a file without words.
    package init(
        contentsOf path: String, format: DataFormat = .auto,
        options: TextDataset.Options = TextDataset.Options(labels: .classes)
    ) throws(TextError) {
        let file = try SourceFile(path: path, expected: "a file with a word and its label a line")
        try self.init(
            file, format: format == .auto ? Self.format(of: file, at: path) : format, options: options)
    }

    fileprivate init(_ file: SourceFile, format: DataFormat, options: TextDataset.Options) throws(TextError) {
        switch format {
        case .json, .jsonl: self = try TaggedRecords(file, options).dataset()
        case .csv:
            throw TextError(
                .unknownFormat, file: file.path,
                "is CSV, which holds texts; words with labels are read from CoNLL files (a word and its label a line, "
                    + "with a tab or spaces between) or from JSON objects with \"tokens\" and \"tags\"")
        case .auto, .tsv, .lines, .conll: self = try TaggedLines(file, options).dataset()
        }
        guard !sentences.isEmpty else {
            throw TextError(
                .emptyDataset, file: file.path, "holds no words; expected one and its label a line")
        }
    }

    private static func format(of file: SourceFile, at path: String) -> DataFormat {
        switch DataPath.ending(of: path) {
        case "json", "jsonl", "ndjson": .json
        case "csv": .csv
        case "conll", "conllu", "iob", "iob2", "bio", "bioes", "tsv", "txt": .conll
        default: JSONRecords.beginsWithJSON(file) ? .json : .conll
        }
    }
}

/// What a file holds that a token classifier is to label.
package enum TextsOrWords {
    case texts(TextDataset)
    /// Words that are given as such, in a CoNLL file or in JSON's lists.
    case words(TaggedDataset)

    /// Loads a data file; labels are not read.
    package init(
        contentsOf path: String, format: DataFormat = .auto, options: TextDataset.Options
    ) throws(TextError) {
        let file = try SourceFile(path: path, expected: TextDataset.expectation)
        var format = format == .auto ? try DataFormat.of(file, at: path) : format
        // A table has no empty lines between its rows; sentences of words have.
        if format == .tsv, file.lines.dropLast().contains(where: \.isEmpty) { format = .conll }
        let isWords = format == .conll || format == .json && TaggedRecords.begins(file)
        self =
            isWords
            ? .words(try TaggedDataset(file, format: format, options: options))
            : .texts(try TextDataset.load(file, at: path, format: format, options: options))
    }
}

extension LabelMap {
    /// Collects the labels of words, in the order of `LabelMap(labelsOf:)`.
    package init(labelsOf dataset: TaggedDataset) throws(TextError) {
        try self.init(sorting: dataset.sentences.lazy.flatMap(\.labels))
    }

    /// The class id of each word of a sentence.
    ///
    /// - Throws: `.invalidLabel` with file, line, the label and the known labels.
    package func ids(for sentence: TaggedSentence, in dataset: TaggedDataset) throws(TextError) -> [Int32] {
        var ids: [Int32] = []
        for (label, line) in zip(sentence.labels, sentence.lines) {
            ids.append(try id(of: label, file: dataset.file, line: line))
        }
        return ids
    }
}
