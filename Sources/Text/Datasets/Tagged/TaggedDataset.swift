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

    /// The sentences at some places, in that order.
    package func selecting(_ indices: [Int]) -> TaggedDataset {
        TaggedDataset(indices.map { sentences[$0] }, file: file, notes: notes)
    }

    /// Loads words with labels: a file in the layout of CoNLL's shared tasks, or JSON objects with lists of words and
    /// labels. `-` is standard input.
    ///
    /// - Parameter options: the columns or members of words (`textColumn`) and labels, and whether labels are read.
    /// - Throws: a `FileError` for a file that cannot be read; a `TextError` that names file and line for invalid UTF-8, columns that may mean several
    ///   things, words without label, and a file without words.
    package init(
        contentsOf path: String, format: DataFormat = .auto,
        options: TextDataset.Options = TextDataset.Options(labels: .classes)
    ) throws {
        let file = try SourceFile(path: path, expected: "a file with one word and its label per line")
        try self.init(
            file, format: format == .auto ? Self.format(of: file, at: path) : format, options: options)
    }

    fileprivate init(_ file: SourceFile, format: DataFormat, options: TextDataset.Options) throws(TextError) {
        switch format {
        case .json, .jsonl: self = try TaggedRecords(file, options).dataset()
        case .csv: self = try TaggedLines(TaggedRows(csv: file), options).dataset()
        case .auto, .tsv, .lines, .conll: self = try TaggedLines(TaggedRows(file), options).dataset()
        }
        guard !sentences.isEmpty else {
            throw TextError(
                .emptyDataset, file: file.path, "holds no words; expected one word and its label per line")
        }
    }

    private static func format(of file: SourceFile, at path: String) -> DataFormat {
        switch DataPath.ending(of: path) {
        case "json", "jsonl", "ndjson": .json
        case "csv": .csv
        case "conll", "conllu", "iob", "iob2", "bio", "bioes", "tsv", "txt": .conll
        default: JSONRecords.beginsWithJSON(file) ? .json : isCSV(file) ? .csv : .conll
        }
    }

    /// Whether a file is CSV whose header names words.
    private static func isCSV(_ file: SourceFile) -> Bool {
        guard let first = file.lines.first, first.contains(UInt8(ascii: ",")) else { return false }
        return (try? TaggedRows(csv: file))?.sentences.first.map { TaggedNames.isHeader($0[0].columns) }
            ?? false
    }

    /// How a file lays out words, if that is what it holds rather than texts.
    ///
    /// - Parameter format: as chosen, or as the name of the file says.
    fileprivate static func layout(of file: SourceFile, _ format: DataFormat) -> DataFormat? {
        switch format {
        case .conll: return .conll
        case .json, .jsonl: return TaggedRecords.begins(file) ? .json : nil
        case .csv: return (try? TaggedRows(csv: file))?.areTagged ?? false ? .csv : nil
        case .tsv, .lines, .auto:
            if JSONRecords.beginsWithJSON(file) { return TaggedRecords.begins(file) ? .json : nil }
            // A table has no empty lines between its rows; sentences of words have.
            let isTable = format == .tsv && !file.lines.dropLast().contains(where: \.isEmpty)
            if format == .tsv && !isTable || TaggedRows(file).areTagged { return .conll }
            return isCSV(file) ? .csv : nil
        }
    }
}

/// What a file holds that a token classifier is to label.
package enum TextsOrWords {
    case texts(TextDataset)
    /// Words that are given as such, in a CoNLL file or in JSON's lists.
    case words(TaggedDataset)

    /// Loads a data file; labels are not read.
    ///
    /// - Parameter unnamed: the format of texts when neither `format` nor what the file holds says it.
    package init(
        contentsOf path: String, format: DataFormat = .auto, unnamed: DataFormat = .auto,
        options: TextDataset.Options
    ) throws {
        let file = try SourceFile(path: path, expected: TextDataset.expectation)
        let known = format == .auto ? DataFormat.named(by: path) ?? .auto : format
        // Lines that were asked for are texts, whatever they look like.
        if format != .lines, let layout = TaggedDataset.layout(of: file, known) {
            self = .words(try TaggedDataset(file, format: layout, options: options))
        } else {
            let format = format == .auto ? unnamed : format
            self = .texts(try TextDataset.load(file, at: path, format: format, options: options))
        }
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
