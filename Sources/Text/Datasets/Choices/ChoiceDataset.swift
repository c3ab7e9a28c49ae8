import Support

/// A text with several others of which one belongs to it.
package struct ChoiceExample: Sendable, Equatable {
    package let text: String
    /// What each choice starts with, such as the half of SWAG's second sentence.
    package let start: String?
    package let choices: [String]

    package init(_ text: String, start: String? = nil, choices: [String]) {
        (self.text, self.start, self.choices) = (text, start, choices)
    }

    /// A choice as a model reads it, with its start.
    package func second(_ choice: Int) -> String {
        start.map { "\($0) \(choices[choice])" } ?? choices[choice]
    }
}

/// Examples of multiple choice in file order.
package struct ChoiceDataset: Sendable, Equatable {
    package let examples: [ChoiceExample]
    /// Which choice is right, counted from 0; empty where labels were not read.
    package let labels: [Int]
    /// Path of the file, or a name for examples made in memory.
    package let file: String
    /// One-based line of each example.
    package let lines: [Int]
    /// What to know about how the file was read.
    package let notes: [String]

    /// Which columns to read and what to insist on.
    package struct Options: Sendable, Equatable {
        package var format = DataFormat.auto
        package var header = TableHeader.auto
        /// The column of the first text; found when `nil`.
        package var textColumn: ColumnSelector?
        /// The column of what choices start with; found when `nil`.
        package var startColumn: ColumnSelector?
        /// The column of each choice, or the one with lists of them; found when empty.
        package var choiceColumns: [ColumnSelector] = []
        /// The column that says which choice is right; found when `nil`.
        package var labelColumn: ColumnSelector?
        /// Whether labels are read, and examples without one left out.
        package var needsLabels = true

        package init() {}
    }

    package init(_ examples: [ChoiceExample], file: String = "questions") {
        (self.examples, labels, self.file, notes) = (examples, [], file, [])
        lines = examples.indices.map { $0 + 1 }
    }

    /// Loads a TSV, CSV or JSON file; `-` is standard input.
    ///
    /// - Throws: a `FileError` for a file that cannot be read; a `TextError` with file and line for columns that are not
    ///   there, texts that are missing, and labels that name no choice.
    package init(contentsOf path: String, options: Options = Options()) throws {
        let file = try SourceFile(path: path, expected: "a data file (.tsv, .csv or .jsonl)")
        let table = try DataTable(
            columnsOf: file, options.format, at: path, expected: "a text and its choices side by side")
        try self.init(table, ChoiceLayout(table, options), needsLabels: options.needsLabels)
    }

    private init(_ table: DataTable, _ layout: ChoiceLayout, needsLabels: Bool) throws(TextError) {
        var (examples, labels, lines): ([ChoiceExample], [Int], [Int]) = ([], [], [])
        var unlabelled = 0
        for row in layout.rows {
            let reader = ChoiceRow(table: table, layout: layout, row: row)
            let choices = try reader.choices()
            if needsLabels {
                guard let label = try reader.label(of: choices) else {
                    unlabelled += 1
                    continue
                }
                labels.append(label)
            }
            let start = try layout.start.map { column throws(TextError) in try reader.text(column) }
            examples.append(
                ChoiceExample(try reader.text(layout.text), start: start, choices: choices.texts))
            lines.append(table.line(row))
        }
        guard !examples.isEmpty else {
            throw TextError(.emptyDataset, file: table.path, "has no example with a label")
        }
        (self.examples, self.labels, self.lines) = (examples, labels, lines)
        file = table.path
        let leftOut = Formatted.count(
            unlabelled, "example without a label is", "examples without a label are")
        notes =
            table.notes + layout.notes + (unlabelled > 0 ? ["\(table.path): \(leftOut) left out"] : [])
    }

    package var count: Int { examples.count }
}

/// Reads a row of a table of choices.
private struct ChoiceRow {
    let table: DataTable
    let layout: ChoiceLayout
    let row: Int

    /// The choices, with their own labels where lists have such.
    struct Choices {
        let texts: [String]
        let names: [String]?
    }

    private func failure(_ kind: TextError.Kind, _ problem: String) -> TextError {
        TextError(kind, file: table.path, line: table.line(row), problem)
    }

    func text(_ column: Int) throws(TextError) -> String {
        switch table.cell(row, column) {
        case .text(let text): return text
        case .scalar(let text, _): return text
        case .missing, .nested:
            throw failure(.invalidColumns, "has no text in \(layout.title(column)); expected a string")
        }
    }

    func choices() throws(TextError) -> Choices {
        let choices: Choices
        if layout.choices.count == 1 {
            choices = try list(layout.choices[0])
        } else {
            var texts: [String] = []
            for column in layout.choices { texts.append(try text(column)) }
            choices = Choices(texts: texts, names: nil)
        }
        guard choices.texts.count > 1 else {
            throw failure(
                .invalidColumns,
                "has \(Formatted.count(choices.texts.count, "choice")); expected at least two")
        }
        return choices
    }

    /// A list of texts, or an object with one and perhaps one of labels, as CommonsenseQA and ARC have them.
    private func list(_ column: Int) throws(TextError) -> Choices {
        let value = table.json(row, column)
        func texts(_ value: JSONValue?) -> [String]? {
            guard let list = value?.array, case let texts = list.compactMap({ DataCell($0).label }),
                texts.count == list.count
            else { return nil }
            return list.enumerated().map { $1.string ?? texts[$0] }
        }
        guard let found = texts(value) ?? texts(value?["text"]) else {
            throw failure(
                .invalidColumns, "has no list of texts in \(layout.title(column)); expected the choices")
        }
        let names = texts(value?["label"])
        return Choices(texts: found, names: names?.count == found.count ? names : nil)
    }

    /// Which choice is right: its number from 0, its own label, its letter, or its text. Nil where nothing says it.
    func label(of choices: Choices) throws(TextError) -> Int? {
        guard let column = layout.label else { return nil }
        let count = choices.texts.count
        guard let label = table.cell(row, column).label, !["", "-", "-1"].contains(label) else {
            if case .nested(let kind) = table.cell(row, column) {
                throw failure(
                    .invalidLabel, "has \(kind) in \(layout.title(column)); expected the number of a choice")
            }
            return nil
        }
        func place(in texts: [String]?) -> Int? {
            texts?.firstIndex { $0.hasSameCodePoints(as: label) }
        }
        if let named = place(in: choices.names) { return named }
        let (numbered, right) = (Self.place(of: label, among: count), place(in: choices.texts))
        if let numbered, let right, numbered != right, case .text = table.cell(row, column) {
            throw failure(
                .invalidLabel,
                "has the label \"\(label)\" in \(layout.title(column)), which is the place of one choice and the text of another; give "
                    + "the place another spelling (a letter or a number), or as a number of JSON")
        }
        if let place = numbered ?? right { return place }
        let last = UnicodeScalar(UInt8(ascii: "A") + UInt8(min(25, count - 1)))
        throw failure(
            .invalidLabel,
            "has the label \"\(label)\" in \(layout.title(column)), but \(count) choices; expected 0 to \(count - 1), A to \(last), or "
                + "a choice's text")
    }

    /// The choice that a number from 0 or a letter from A stands for.
    private static func place(of label: String, among count: Int) -> Int? {
        let letter =
            label.utf8.count == 1 ? label.utf8.first.map { Int($0 & 0xDF) - Int(UInt8(ascii: "A")) } : nil
        let number = Int(label) ?? Double(label).flatMap { Int(exactly: $0) }
        return (number ?? letter).flatMap { (0..<count).contains($0) ? $0 : nil }
    }
}
