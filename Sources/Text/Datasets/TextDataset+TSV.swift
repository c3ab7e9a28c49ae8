extension TextDataset {
    /// Positions of the columns that are read, and how many columns each row must have.
    private struct Columns {
        let text: Int
        let pair: Int?
        let label: Int?
        let count: Int
    }

    /// Tab-separated columns; quotes are ordinary characters, `\r\n` ends a line as well as `\n` does.
    static func loadTSV(path: String, options: Options) throws(TextError) -> TextDataset {
        var rows = try SourceFile(path: path, expected: "a file with tab-separated columns").lines
        while let last = rows.last, last.isEmpty { rows.removeLast() }
        guard let first = rows.first.map(fields) else {
            throw TextError(.emptyDataset, file: path, "holds no rows; expected one example a line")
        }
        let names = first.map { trimmed($0) }
        let selectsByName = [options.textColumn, options.pairColumn, options.labelColumn].contains {
            $0?.name != nil
        }
        let hasHeader =
            switch options.header {
            case .present: true
            case .absent: false
            case .auto: selectsByName || ColumnNames.isHeader(names)
            }
        let columns = try resolveColumns(
            names: hasHeader ? names : nil, count: names.count, options: options, path: path)
        var examples: [TextExample] = []
        examples.reserveCapacity(rows.count)
        for (index, row) in rows.enumerated().dropFirst(hasHeader ? 1 : 0) {
            let fields = fields(row)
            guard fields.count == columns.count else {
                throw TextError(
                    .invalidColumns, file: path, line: index + 1,
                    "has \(fields.count) tab-separated columns; expected \(columns.count) as in the first row"
                )
            }
            examples.append(
                TextExample(
                    text: String(utf8: fields[columns.text]),
                    pair: columns.pair.map { String(utf8: fields[$0]) },
                    label: columns.label.map { trimmed(fields[$0]) }))
        }
        let firstLine = hasHeader ? 2 : 1
        return TextDataset(
            examples, textFile: path, labelFile: path, lines: Array(firstLine..<(firstLine + examples.count)))
    }

    private static func fields(_ row: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        row.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    }

    /// Decides what each column is: chosen columns first, then known names, then the default order.
    private static func resolveColumns(
        names: [String]?, count: Int, options: Options, path: String
    ) throws(TextError) -> Columns {
        func position(_ selector: ColumnSelector?) throws(TextError) -> Int? {
            switch selector {
            case nil: return nil
            case .index(let index):
                guard index >= 0, index < count else {
                    throw TextError(
                        .invalidColumns, file: path, line: 1,
                        "has \(count) columns; column \(index) was asked for (columns count from 0)")
                }
                return index
            case .name(let name):
                guard let index = names?.firstIndex(of: name) else {
                    let known =
                        names.map { "columns are " + $0.joined(separator: ", ") } ?? "there is no header"
                    throw TextError(
                        .invalidColumns, file: path, line: 1, "has no column named \"\(name)\"; \(known)")
                }
                return index
            }
        }
        let text = try position(options.textColumn)
        let pair = try position(options.pairColumn)
        let label = try position(options.labelColumn)
        let usual: ColumnNames.Match
        if let names {
            usual = ColumnNames.match(names)
        } else {
            usual = try defaultOrder(count: count, path: path, chosen: text)
        }
        guard let textPosition = text ?? usual.text else {
            throw TextError(
                .invalidColumns, file: path, line: 1,
                "no text column among \((names ?? []).joined(separator: ", ")); set the text column")
        }
        return Columns(
            text: textPosition, pair: pair ?? (text == nil ? usual.pair : nil), label: label ?? usual.label,
            count: count)
    }

    /// The columns of a file without header: `text`, `label text`, or `label text text2`.
    ///
    /// When the text column is chosen by number, nothing is guessed about the others.
    private static func defaultOrder(
        count: Int, path: String, chosen text: Int?
    ) throws(TextError) -> ColumnNames.Match {
        if text != nil { return ColumnNames.Match() }
        switch count {
        case 1: return ColumnNames.Match(text: 0)
        case 2: return ColumnNames.Match(text: 1, label: 0)
        case 3: return ColumnNames.Match(text: 1, pair: 2, label: 0)
        default:
            throw TextError(
                .invalidColumns, file: path, line: 1,
                "has \(count) columns and no known header; expected label<TAB>text or "
                    + "label<TAB>text<TAB>text2, or set the text column")
        }
    }
}
