import GraphCompiler

/// Which (query, key) pairs a pattern keeps, or which squares of pairs have one that is kept: row-major bits.
struct MaskPicture {
    let size: Int
    private var words: [[UInt64]]

    init(_ pattern: MaskPattern, length: Int) {
        size = length
        words = (0..<length).map { query in
            var row = Array(repeating: UInt64(0), count: (length + 63) / 64)
            pattern.setKeys(of: query, below: length, in: &row)
            return row
        }
    }

    private init(size: Int) {
        self.size = size
        words = Array(repeating: Array(repeating: 0, count: (size + 63) / 64), count: size)
    }

    var keptCount: Int { words.joined().reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Pairs beyond the size are not kept.
    subscript(row: Int, column: Int) -> Bool {
        row < size && column < size && words[row][column / 64] >> (column % 64) & 1 == 1
    }

    /// Squares of as many pairs as it takes to have at most `limit` rows.
    func reduced(to limit: Int) -> MaskPicture {
        let side = (size + limit - 1) / limit
        guard side > 1 else { return self }
        var grid = MaskPicture(size: (size + side - 1) / side)
        for row in 0..<size {
            for column in 0..<size where self[row, column] {
                let place = column / side
                grid.words[row / side][place / 64] |= 1 << (place % 64)
            }
        }
        return grid
    }

    /// Two rows a line, in block characters.
    var text: String {
        stride(from: 0, to: size, by: 2).map { row in
            let line = String(
                (0..<size).map { column -> Character in
                    switch (self[row, column], self[row + 1, column]) {
                    case (true, true): "█"
                    case (true, false): "▀"
                    case (false, true): "▄"
                    case (false, false): " "
                    }
                })
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }
}
