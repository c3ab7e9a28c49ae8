extension TaggedDataset {
    /// Loads a file in the layout of CoNLL's shared tasks: a word and its label a line, sentences ended by blank lines.
    ///
    /// The first column is the word and the last the label; those between are not used. Columns are separated by tabs
    /// in a line that has one, else by spaces. Lines of the word `-DOCSTART-` begin a document and are skipped.
    ///
    /// - Throws: a `TextError` that names file and line for a missing file, invalid UTF-8, a line without label or with
    ///   another number of columns than the first, and a file without words.
    package init(contentsOf path: String) throws(TextError) {
        let file = try SourceFile(path: path, expected: "a file with a word and its label a line")
        var sentences: [TaggedSentence] = []
        var (words, labels): ([String], [String]) = ([], [])
        var columnCount: Int?
        /// - Parameter line: the one after the sentence, counted from 1.
        func endSentence(line: Int) {
            guard !words.isEmpty else { return }
            sentences.append(TaggedSentence(words: words, labels: labels, line: line - words.count))
            (words, labels) = ([], [])
        }
        let lines = file.lines
        for (index, bytes) in lines.enumerated() {
            let columns = Self.columns(bytes)
            guard let word = columns.first, word != "-DOCSTART-" else {
                endSentence(line: index + 1)
                continue
            }
            let expected = max(2, columnCount ?? columns.count)
            guard columns.count == expected, !columns.contains("") else {
                let found = columns.contains("") ? "an empty column" : "\(columns.count) columns"
                throw TextError(
                    .invalidColumns, file: path, line: index + 1,
                    "has \(found); expected \(expected), the word first and its label last, between tabs or spaces"
                )
            }
            columnCount = expected
            words.append(word)
            labels.append(columns[columns.count - 1])
        }
        endSentence(line: lines.count + 1)
        guard !sentences.isEmpty else {
            throw TextError(.emptyDataset, file: path, "holds no words; expected one and its label a line")
        }
        self.init(sentences, file: path)
    }

    /// The columns of a line; none of a blank one.
    private static func columns(_ line: ArraySlice<UInt8>) -> [String] {
        let (tab, space) = (UInt8(ascii: "\t"), UInt8(ascii: " "))
        guard line.contains(where: { $0 != tab && $0 != space }) else { return [] }
        guard line.contains(tab) else { return line.split(separator: space).map { String(utf8: $0) } }
        return line.split(separator: tab, omittingEmptySubsequences: false).map {
            TextDataset.trimmed($0)
        }
    }
}
