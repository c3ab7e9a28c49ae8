import Support

/// Finds the columns that were chosen.
struct ColumnSelection {
    let table: DataTable
    let names: [String]?

    func position(_ selector: ColumnSelector?) throws(TextError) -> Int? {
        switch selector {
        case nil: return nil
        case .index(let index):
            if table.isObjects, let named = position(named: "\(index)") { return named }
            guard !table.isObjects else {
                throw failure("members are chosen by name, not by number")
            }
            guard index >= 0, index < table.columnCount else {
                throw failure(
                    "has \(Formatted.count(table.columnCount, "column")); column \(index) was asked for (columns are counted from 0)"
                )
            }
            return index
        case .name(let name):
            if let index = position(named: name) { return index }
            let what = table.isObjects ? "member" : "column"
            let list = names?.joined(separator: ", ")
            let known =
                list.map { table.isObjects ? "members are \($0)" : "columns are \($0)" }
                ?? "there is no header"
            throw failure("has no \(what) \(table.isObjects ? "" : "named ")\"\(name)\"; \(known)")
        }
    }

    /// By its very name, else by the one name that differs in case, spaces and punctuation alone.
    private func position(named name: String) -> Int? {
        guard let names else { return nil }
        if let index = names.firstIndex(where: { $0.hasSameCodePoints(as: name) }) { return index }
        let alike = names.indices.filter { ColumnNames.folded(names[$0]) == ColumnNames.folded(name) }
        return alike.count == 1 && !ColumnNames.folded(name).text.isEmpty ? alike[0] : nil
    }

    private func failure(_ message: String) -> TextError {
        TextError(.invalidColumns, file: table.path, line: table.line(0), message)
    }
}
