import Support

/// One value of a table.
enum DataCell: Equatable {
    case text(String)
    /// A number or a boolean of JSON as it is spelled (a whole number without decimal point), and which it is.
    case scalar(String, kind: String)
    /// `null`, or no such member.
    case missing
    /// An array or an object of JSON.
    case nested(kind: String)

    /// What a column's statistics are made of.
    var label: String? {
        switch self {
        case .text(let text): text.trimmed
        case .scalar(let text, _): text
        case .missing, .nested: nil
        }
    }
}

/// Rows and columns of a data file, whatever its format.
struct DataTable {
    enum Storage {
        case cells(DelimitedCells)
        /// Objects with members by name, and the line of each.
        case objects([JSONValue], lines: [Int])
        /// Arrays with values by position.
        case arrays([[JSONValue]], lines: [Int])
    }

    let path: String
    let storage: Storage
    /// What the columns are called, as far as the format says so; a header is a row like any other until it is found to
    /// be one.
    let memberNames: [String]?
    /// What to know about how the file was read.
    let notes: [String]

    var rowCount: Int {
        switch storage {
        case .cells(let cells): cells.count
        case .objects(let objects, _): objects.count
        case .arrays(let arrays, _): arrays.count
        }
    }

    var columnCount: Int {
        switch storage {
        case .cells(let cells): cells.count > 0 ? cells.width(0) : 0
        case .objects: memberNames?.count ?? 0
        case .arrays(let arrays, _): arrays.first?.count ?? 0
        }
    }

    func line(_ row: Int) -> Int {
        switch storage {
        case .cells(let cells): cells.lines[row]
        case .objects(_, let lines), .arrays(_, let lines): lines[row]
        }
    }

    func cell(_ row: Int, _ column: Int) -> DataCell {
        switch storage {
        case .cells(let cells): .text(cells.text(row, column))
        case .objects(let objects, _):
            DataCell(memberNames.flatMap { objects[row][$0[column]] })
        case .arrays(let arrays, _): DataCell(arrays[row][column])
        }
    }

    /// A value of JSON; nil in other tables, and for a member that is not there.
    func json(_ row: Int, _ column: Int) -> JSONValue? {
        switch storage {
        case .cells: nil
        case .objects(let objects, _): memberNames.flatMap { objects[row][$0[column]] }
        case .arrays(let arrays, _): arrays[row][column]
        }
    }

    /// The values of a list of JSON; nil for other cells.
    func list(_ row: Int, _ column: Int) -> [JSONValue]? { json(row, column)?.array }

    /// The cells of a row as names, if all of them could be some.
    func names(inRow row: Int) -> [String]? {
        var names: [String] = []
        for column in 0..<columnCount {
            guard case .text(let name) = cell(row, column) else { return nil }
            names.append(name.trimmed)
        }
        return names
    }

    /// The members of one object; `nil` in other tables.
    func members(inRow row: Int) -> [String]? {
        guard case .objects(let objects, _) = storage else { return nil }
        return objects[row].object?.names
    }
}

extension DataTable {
    /// A file that must have columns.
    ///
    /// - Parameter expected: what stands in them, in the words of an error.
    init(columnsOf file: SourceFile, _ format: DataFormat, at path: String, expected: String) throws {
        switch format == .auto ? try DataFormat.of(file, at: path) : format {
        case .tsv: try self.init(tsv: file)
        case .csv: try self.init(csv: file)
        case .json, .jsonl: try self.init(json: file)
        case .lines, .auto, .conll:
            throw TextError(
                .unknownFormat, file: file.path,
                "has no columns; expected \(expected) (.tsv, .csv or .jsonl)")
        }
    }
}

extension DataCell {
    init(_ value: JSONValue?) {
        switch value {
        case nil, .null: self = .missing
        case .string(let text): self = .text(text)
        case .number(let number):
            self = .scalar(value?.integer.map(String.init) ?? "\(number)", kind: "a number")
        case .bool(let flag): self = .scalar("\(flag)", kind: "a boolean")
        case .array: self = .nested(kind: "an array")
        case .object: self = .nested(kind: "an object")
        }
    }
}

extension String {
    /// The text without the ASCII white space around it.
    var trimmed: String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let start = utf8.firstIndex(where: { !isSpace($0) }),
            let end = utf8.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[start...end])
    }
}
