import Support

/// Examples of several texts, each in a column of its own: an anchor, what it is compared with, and perhaps a score.
package struct GroupedDataset: Sendable, Equatable {
    /// The file, as messages call it.
    package let file: String
    /// `[examples][columns]`, the anchor first; where a column has lists of texts, as many texts as they have.
    package let texts: [[String]]
    /// What the columns of the texts are called.
    package let columns: [String]
    /// One or several numbers for each example: a score, a label, or what a teacher says; `nil` without such a column.
    package let numbers: [[Float]]?
    /// One-based line of each example.
    package let lines: [Int]
    /// What to know about how the file was read.
    package let notes: [String]

    /// Which columns to read and what to insist on.
    package struct Options: Sendable, Equatable {
        package var format = DataFormat.auto
        package var header = TableHeader.auto
        /// The columns of the texts, the anchor's first; empty to find them.
        package var textColumns: [ColumnSelector] = []
        /// The column of the numbers; found when `nil`.
        package var labelColumn: ColumnSelector?
        /// Whether every example must have numbers; when `nil` they are read if they are there.
        package var needsNumbers: Bool?
        /// Whether a text may be an array of them in JSON.
        package var allowsLists = false

        package init() {}
    }

    /// Loads a TSV, CSV or JSON file; `-` is standard input.
    ///
    /// - Throws: a `FileError` for a file that cannot be read; a `TextError` with file and line for columns that are not
    ///   there or may mean several things, for texts that are missing, and for numbers that are none.
    package init(contentsOf path: String, options: Options = Options()) throws {
        let file = try SourceFile(path: path, expected: "a data file (.tsv, .csv or .jsonl)")
        try self.init(
            DataTable(
                columnsOf: file, options.format, at: path, expected: "the texts of an example side by side"),
            options)
    }

    private init(_ table: DataTable, _ options: Options) throws(TextError) {
        let layout = try GroupLayout(table, options)
        var texts: [[String]] = []
        var numbers: [[Float]] = []
        for row in layout.rows {
            var group: [String] = []
            for column in layout.texts {
                if options.allowsLists, let list = table.texts(row, column) {
                    group += list
                    continue
                }
                guard case .text(let text) = table.cell(row, column) else {
                    throw TextError(
                        .invalidColumns, file: table.path, line: table.line(row),
                        "has no text in \(layout.title(column)); expected a string")
                }
                group.append(text)
            }
            texts.append(group)
            if let column = layout.numbers { numbers.append(try Self.numbers(table, row, column, layout)) }
        }
        file = table.path
        self.texts = texts
        columns = layout.texts.map { layout.names?[$0] ?? "\($0)" }
        self.numbers = layout.numbers == nil ? nil : numbers
        lines = layout.rows.map(table.line)
        notes = table.notes + layout.notes
        if !options.allowsLists, let first = numbers.first?.count,
            let other = numbers.firstIndex(where: { $0.count != first })
        {
            throw TextError(
                .invalidLabel, file: file, line: lines[other],
                "has \(Formatted.count(numbers[other].count, "number")), but the first example has \(first)")
        }
    }

    private static func numbers(
        _ table: DataTable, _ row: Int, _ column: Int, _ layout: GroupLayout
    ) throws(TextError) -> [Float] {
        let numbers = table.numbers(row, column)
        guard !numbers.isEmpty, numbers.allSatisfy({ $0?.isFinite == true }) else {
            throw TextError(
                .invalidLabel, file: table.path, line: table.line(row),
                "has no number in \(layout.title(column)); expected one, or in JSON an array of them")
        }
        return numbers.compactMap(\.self)
    }

    package var count: Int { texts.count }
    /// Texts of an example, unless columns have lists.
    package var textCount: Int { columns.count }
}

extension DataTable {
    /// The texts of an array of JSON.
    fileprivate func texts(_ row: Int, _ column: Int) -> [String]? {
        guard let array = json(row, column)?.array, !array.isEmpty else { return nil }
        let texts = array.compactMap(\.string)
        return texts.count == array.count ? texts : nil
    }

    /// The number of a cell, or the numbers of an array of JSON; `nil` in place of what is none.
    fileprivate func numbers(_ row: Int, _ column: Int) -> [Float?] {
        let value = json(row, column)
        if let array = value?.array { return array.map { $0.double.map { Float($0) } } }
        if case .bool(let flag)? = value { return [flag ? 1 : 0] }
        return [cell(row, column).label.flatMap { Float($0) }]
    }
}
