import Support

extension DataTable {
    /// Objects one after another or in an array, arrays of cells, or an object of columns.
    ///
    /// - Throws: `.invalidJSON` with the line.
    init(json file: SourceFile) throws(TextError) {
        let records = try JSONRecords(file)
        if records.isSingleObject, let columns = JSONColumns(records.values[0]) {
            let lines = [Int](repeating: records.lines[0], count: columns.rows.count)
            self.init(
                path: file.path, storage: .arrays(columns.rows, lines: lines), memberNames: columns.names,
                notes: records.notes + ["\(file.path): is an object of columns"])
            return
        }
        guard let first = records.values.first else {
            throw TextError(.emptyDataset, file: file.path, "holds no examples; expected at least one")
        }
        if case .array(let cells) = first, cells.allSatisfy({ $0.array == nil && $0.object == nil }),
            records.values.count > 1
        {
            self.init(
                path: file.path,
                storage: .arrays(
                    try Self.arrays(records, file.path, width: cells.count), lines: records.lines),
                memberNames: nil, notes: records.notes)
            return
        }
        var names: [String] = []
        var known: Set<TextKey> = []
        for (value, line) in zip(records.values, records.lines) {
            guard let object = value.object else {
                throw TextError(
                    .invalidJSON, file: file.path, line: line,
                    "is \(value.kind); expected an object such as {\"text\": \"...\"}")
            }
            for name in object.names where known.insert(TextKey(name)).inserted { names.append(name) }
        }
        self.init(
            path: file.path, storage: .objects(records.values, lines: records.lines), memberNames: names,
            notes: records.notes)
    }

    private static func arrays(
        _ records: JSONRecords, _ path: String, width: Int
    ) throws(TextError) -> [[JSONValue]] {
        var rows: [[JSONValue]] = []
        for (value, line) in zip(records.values, records.lines) {
            guard let cells = value.array, cells.count == width else {
                let found = value.array.map { "\($0.count) elements" } ?? value.kind
                throw TextError(
                    .invalidColumns, file: path, line: line,
                    "has \(found); expected an array of \(width) as in the first row")
            }
            rows.append(cells)
        }
        return rows
    }
}

/// An object of columns, as `Dataset.to_dict` and pandas write it: lists of equal length by name, objects with equal
/// keys by name (`orient="columns"`), or `columns` beside rows (`orient="split"`).
struct JSONColumns {
    let names: [String]
    let rows: [[JSONValue]]

    init?(_ value: JSONValue) {
        guard let members = value.object?.members, let first = members.first?.value else { return nil }
        if let names = value["columns"]?.array?.compactMap(\.string),
            let rows = value["data"]?.array?.map(\.array),
            rows.allSatisfy({ $0?.count == names.count })
        {
            self.names = names
            self.rows = rows.compactMap { $0 }
            return
        }
        let columns: [[JSONValue]]
        if first.array != nil {
            columns = members.compactMap { $0.value.array }
        } else if let keys = first.object?.names {
            columns = members.compactMap { member in
                guard let object = member.value.object, object.names == keys else { return nil }
                return object.members.map(\.value)
            }
        } else {
            return nil
        }
        guard columns.count == members.count, let count = columns.first?.count, count > 0,
            columns.allSatisfy({ $0.count == count })
        else { return nil }
        names = members.map(\.name)
        rows = (0..<count).map { row in columns.map { $0[row] } }
    }
}
