import Support

/// Columns of text under a heading, aligned to the left or to the right.
struct TextTable: CustomStringConvertible {
    let heading: [String]
    private let left: Set<String>
    private(set) var rows: [[String]] = []

    /// - Parameter left: headings of the columns that are aligned to the left; the first alone when `nil`.
    init(_ heading: [String], left: Set<String>? = nil) {
        self.heading = heading
        self.left = left ?? Set(heading.prefix(1))
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// Shortens the texts of one column so that lines have at most `width` characters.
    mutating func clip(_ title: String, toFit width: Int) {
        guard let column = heading.firstIndex(of: title) else { return }
        let others = widths.enumerated().reduce(0) { $1.offset == column ? $0 : $0 + $1.element + 2 }
        for row in rows.indices {
            rows[row][column] = Formatted.clipped(rows[row][column], max(12, width - others))
        }
    }

    private var widths: [Int] {
        heading.indices.map { column in ([heading] + rows).map { $0[column].count }.max() ?? 0 }
    }

    var description: String {
        let widths = widths
        return ([heading] + rows).map { row in
            let line = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return left.contains(heading[column]) ? row[column] + padding : padding + row[column]
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
