extension DataTable {
    /// Whether the first row names the columns, by what it says and by how it differs from the rows below it.
    func firstRowIsHeader() -> Bool {
        guard let names = names(inRow: 0) else { return false }
        if ColumnNames.isHeader(names) { return true }
        if firstRowCountsColumns() { return true }
        guard rowCount > 1, names.allSatisfy({ $0.isEmpty || Self.mayBeName($0) }) else { return false }
        guard Set(names.map(ColumnNames.folded)).count + names.count(where: \.isEmpty) >= names.count else {
            return false
        }
        if names.count > 1, names[0].isEmpty || names[0].hasPrefix("Unnamed:"),
            names.dropFirst().contains("") == false
        {
            return true
        }
        let below = profiles(of: 1..<rowCount, skipping: repeatsFirstRow)
        // A value that occurs again is a value.
        guard
            !zip(names, below).contains(where: { name, profile in
                !name.isEmpty && profile.values[.init(name)] != nil && !profile.isConstant
            })
        else { return false }
        if zip(names, below).contains(where: { !$0.isEmpty && $1.isNumeric }) { return true }
        if names.contains(where: ColumnNames.isLabel) { return true }
        let hasLabels = below.contains { $0.labelStrength == 3 }
        return zip(names, below).contains { name, profile in
            profile.isText && profile.meanWords >= 3 && Double(name.count) * 2 < profile.meanLength
                && (hasLabels && profile.rows > 2 || name.contains("_"))
        }
    }

    /// Whether the first row is 0, 1, 2 and so on, with or without an empty name of an index before, over columns that
    /// are not all of numbers: what pandas calls columns without names.
    func firstRowCountsColumns() -> Bool {
        guard rowCount > 1, var names = names(inRow: 0) else { return false }
        if names[0].isEmpty { names.removeFirst() }
        guard !names.isEmpty, names == names.indices.map({ "\($0)" }) else { return false }
        let below = profiles(of: 1..<rowCount).suffix(names.count)
        return names.count > 1 ? below.contains { !$0.isEmpty && !$0.isNumeric } : below.allSatisfy(\.isText)
    }

    /// Whether a row of several columns is the first one again.
    func repeatsFirstRow(_ row: Int) -> Bool {
        columnCount > 1
            && (0..<columnCount).allSatisfy { column in
                guard let name = cell(0, column).label, let value = cell(row, column).label else {
                    return false
                }
                return name.hasSameCodePoints(as: value)
            }
    }

    /// Short, without the punctuation of sentences, and not a number.
    private static func mayBeName(_ text: String) -> Bool {
        guard text.count <= 40, Double(text) == nil, text.contains(where: \.isLetter) else { return false }
        let words = text.split(separator: " ").count
        return words <= 3 && !text.contains(where: { ".!?,;\"".contains($0) && $0 != "." || $0 == "\n" })
            && text.last != "."
    }

    /// Statistics of every column over rows evenly spread among some.
    func profiles(of rows: Range<Int>, skipping isLeftOut: (Int) -> Bool = { _ in false }) -> [ColumnProfile]
    {
        let most = 2000
        var profiles = [ColumnProfile](repeating: ColumnProfile(), count: columnCount)
        for index in 0..<min(most, rows.count) {
            let row = rows.lowerBound + (rows.count <= most ? index : index * rows.count / most)
            if isLeftOut(row) { continue }
            for column in profiles.indices { profiles[column].add(cell(row, column)) }
        }
        return profiles
    }
}
