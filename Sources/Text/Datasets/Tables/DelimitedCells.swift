/// The cells of a file whose columns a character separates, as places in its bytes.
struct DelimitedCells {
    private(set) var bytes: [UInt8]
    let delimiter: UInt8
    /// All cells, row after row.
    private var cells: [Range<Int>] = []
    /// Where each row's cells begin in `cells`, and where the last row's end.
    private var starts = [0]
    /// One-based line that each row begins on.
    private(set) var lines: [Int] = []

    var count: Int { lines.count }

    func width(_ row: Int) -> Int { starts[row + 1] - starts[row] }

    func bytes(_ row: Int, _ column: Int) -> ArraySlice<UInt8> { bytes[cells[starts[row] + column]] }

    func text(_ row: Int, _ column: Int) -> String { String(utf8: bytes(row, column)) }

    /// The cells of a row without the white space around them.
    func trimmedRow(_ row: Int) -> [String] {
        (0..<width(row)).map { TextDataset.trimmed(bytes(row, $0)) }
    }

    /// The first row with another number of cells than the first one.
    var firstUnevenRow: Int? { lines.indices.first { width($0) != width(0) } }

    /// Every line is a row, every delimiter separates. Empty lines at the end do not count.
    init(plain file: SourceFile, delimiter: UInt8) {
        bytes = file.bytes
        self.delimiter = delimiter
        var rows = file.lines
        while let last = rows.last, last.isEmpty { rows.removeLast() }
        for (index, row) in rows.enumerated() {
            for cell in row.split(separator: delimiter, omittingEmptySubsequences: false) {
                cells.append(cell.startIndex..<cell.endIndex)
            }
            endRow(line: index + 1)
        }
    }

    /// Reads quoted cells as RFC 4180 has them: delimiters and line ends between quotes are text, and a doubled quote
    /// is one. As in Python's `csv`, a quote within a cell that does not begin with one is an ordinary character.
    /// Empty lines are not rows.
    ///
    /// - Throws: `.invalidColumns` with the line of a quote that is never closed.
    init(quoted source: [UInt8], delimiter: UInt8, path: String) throws(TextError) {
        bytes = source
        self.delimiter = delimiter
        let (quote, newline, carriageReturn) = (UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"))
        // Text without its quotes is never longer, so that it is written over what was read.
        var (read, written, line) = (0, 0, 1)
        func append(_ byte: UInt8) {
            bytes[written] = byte
            written += 1
        }
        while read < bytes.count {
            let rowLine = line
            var (isRowOpen, hasQuotes) = (true, false)
            while isRowOpen {
                let start = written
                var textEnd = start
                if read < bytes.count, bytes[read] == quote {
                    hasQuotes = true
                    let quoteLine = line
                    read += 1
                    while true {
                        guard read < bytes.count else {
                            throw TextError(
                                .invalidColumns, file: path, line: quoteLine,
                                "a quoted field begins here and never ends; close its quote, and double the quotes within it"
                            )
                        }
                        let byte = bytes[read]
                        read += 1
                        if byte == quote {
                            guard read < bytes.count, bytes[read] == quote else { break }
                            read += 1
                        }
                        if byte == newline { line += 1 }
                        append(byte)
                    }
                    textEnd = written
                }
                while read < bytes.count, bytes[read] != delimiter, bytes[read] != newline {
                    append(bytes[read])
                    read += 1
                }
                let isRowEnd = read == bytes.count || bytes[read] == newline
                if isRowEnd, written > textEnd, bytes[written - 1] == carriageReturn { written -= 1 }
                cells.append(start..<written)
                if read < bytes.count { read += 1 }
                if isRowEnd {
                    line += 1
                    isRowOpen = false
                }
            }
            if cells.count == starts[starts.count - 1] + 1, cells[cells.count - 1].isEmpty, !hasQuotes {
                cells.removeLast()
            } else {
                endRow(line: rowLine)
            }
        }
    }

    private mutating func removeFirstRow() {
        starts.removeFirst()
        lines.removeFirst()
    }

    private mutating func endRow(line: Int) {
        starts.append(cells.count)
        lines.append(line)
    }
}

extension DelimitedCells {
    /// What may separate the columns of a CSV file; the first that fits counts.
    private static let delimiters = [",", ";", "\t", "|"].map { (text: String) in text.utf8.first ?? 0 }

    /// What Excel's first line `sep=;` says separates the columns.
    static func declaredDelimiter(_ source: [UInt8]) -> UInt8? {
        let line = source.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard line.count == 5, String(utf8: line).lowercased().hasPrefix("sep=") else { return nil }
        return line.last
    }

    /// The cells with the delimiter that the file declares, else the one that gives every row the same number of them, more than one if possible.
    ///
    /// - Throws: `.invalidColumns` with the line of a row that does not fit.
    static func csv(_ source: [UInt8], path: String) throws(TextError) -> DelimitedCells {
        if let delimiter = declaredDelimiter(source) {
            var cells = try DelimitedCells(quoted: source, delimiter: delimiter, path: path)
            cells.removeFirstRow()
            try cells.checkWidths(path: path)
            return cells
        }
        let first = try DelimitedCells(quoted: source, delimiter: delimiters[0], path: path)
        if first.count > 0, first.width(0) > 1, first.firstUnevenRow == nil { return first }
        for delimiter in delimiters.dropFirst() {
            guard let cells = try? DelimitedCells(quoted: source, delimiter: delimiter, path: path),
                cells.count > 0, cells.width(0) > 1, cells.firstUnevenRow == nil
            else { continue }
            return cells
        }
        try first.checkWidths(path: path)
        return first
    }

    /// Whether some lines are evidently CSV: of the same number of columns, and with quoted fields or a known header.
    static func looksLikeCSV(_ source: [UInt8]) -> Bool {
        if declaredDelimiter(source) != nil { return true }
        guard let cells = try? csv(source, path: ""), cells.count > 0, cells.width(0) > 1 else {
            return false
        }
        return source.contains(UInt8(ascii: "\"")) && cells.count > 1
            || ColumnNames.isHeader(cells.trimmedRow(0))
    }

    /// - Throws: `.invalidColumns` with the line of a row that has another number of columns than the first.
    func checkWidths(path: String) throws(TextError) {
        guard let row = firstUnevenRow else { return }
        let quoted = (0..<width(row)).contains { bytes(row, $0).first == UInt8(ascii: "\"") }
        throw TextError(
            .invalidColumns, file: path, line: lines[row],
            "has \(width(row)) \(delimiterName)-separated columns; expected \(width(0)) as in the first row"
                + (quoted && delimiter == UInt8(ascii: "\t")
                    ? " (quotes do not protect a tab; set the format to csv if they should)" : ""))
    }

    var delimiterName: String {
        switch delimiter {
        case UInt8(ascii: "\t"): "tab"
        case UInt8(ascii: ","): "comma"
        case UInt8(ascii: ";"): "semicolon"
        case UInt8(ascii: "|"): "bar"
        default: "\"\(Character(Unicode.Scalar(delimiter)))\""
        }
    }
}
