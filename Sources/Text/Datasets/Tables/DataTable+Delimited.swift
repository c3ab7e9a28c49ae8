extension DataTable {
    /// Tab-separated columns. Quotes are ordinary characters; a file whose fields are evidently quoted, or that has
    /// commas in place of tabs, is read as CSV, with a note.
    init(tsv file: SourceFile) throws(TextError) {
        let tab = UInt8(ascii: "\t")
        let plain = DelimitedCells(plain: file, delimiter: tab)
        let isDeclared = DelimitedCells.declaredDelimiter(file.bytes) != nil
        if isDeclared || !file.bytes.contains(tab) && DelimitedCells.looksLikeCSV(file.bytes) {
            let cells = try DelimitedCells.csv(file.bytes, path: file.path)
            self.init(
                file, cells,
                notes: [
                    "\(isDeclared ? "names its separator" : "has no tabs") and is read as CSV, with \(cells.delimiterName)s between columns"
                ])
            return
        }
        if file.bytes.contains(UInt8(ascii: "\"")), plain.firstUnevenRow != nil || plain.isEvidentlyQuoted,
            let quoted = try? DelimitedCells(quoted: file.bytes, delimiter: tab, path: file.path),
            quoted.count > 0, quoted.firstUnevenRow == nil, quoted.width(0) > 1
        {
            self.init(file, quoted, notes: ["its fields are quoted, and are read as in CSV"])
            return
        }
        try plain.checkWidths(path: file.path)
        self.init(file, plain)
    }

    /// Comma-separated columns.
    init(csv file: SourceFile) throws(TextError) {
        let cells = try DelimitedCells.csv(file.bytes, path: file.path)
        let isUsual = cells.count == 0 || cells.width(0) == 1 || cells.delimiterName == "comma"
        self.init(file, cells, notes: isUsual ? [] : ["columns are separated by \(cells.delimiterName)s"])
    }

    private init(_ file: SourceFile, _ cells: DelimitedCells, notes: [String] = []) {
        self.init(
            path: file.path, storage: .cells(cells), memberNames: nil,
            notes: notes.map { "\(file.path): \($0)" })
    }
}

extension DelimitedCells {
    /// Whether quotes around fields are those of CSV rather than a text's own: no field begins with a quote without
    /// being well-formed, and some column is quoted throughout or holds doubled quotes.
    fileprivate var isEvidentlyQuoted: Bool {
        guard bytes.contains(UInt8(ascii: "\"")), count > 0 else { return false }
        var hasDoubledQuotes = false
        var quotedCounts = [Int](repeating: 0, count: width(0))
        var filledCounts = quotedCounts
        for row in 0..<count {
            for column in 0..<width(row) {
                let field = bytes(row, column)
                if row > 0, !field.isEmpty { filledCounts[column] += 1 }
                guard field.first == UInt8(ascii: "\"") else { continue }
                guard let isDoubled = Self.doubledQuotes(in: field) else { return false }
                hasDoubledQuotes = hasDoubledQuotes || isDoubled
                if row > 0 { quotedCounts[column] += 1 }
            }
        }
        return hasDoubledQuotes || zip(quotedCounts, filledCounts).contains { $0 == $1 && $0 > 1 }
    }

    /// Whether a field that begins with a quote holds doubled ones; `nil` when it is not a well-formed quoted field.
    private static func doubledQuotes(in field: ArraySlice<UInt8>) -> Bool? {
        let quote = UInt8(ascii: "\"")
        guard field.count > 1, field.last == quote else { return nil }
        let inner = field.dropFirst().dropLast()
        var (index, found) = (inner.startIndex, false)
        while index < inner.endIndex {
            if inner[index] == quote {
                guard index + 1 < inner.endIndex, inner[index + 1] == quote else { return nil }
                found = true
                index += 1
            }
            index += 1
        }
        return found
    }
}
