import GraphIR

/// Register and cache blocking of attention.
package struct AttentionTile: Hashable, Sendable {
    /// Rows of the register tile.
    package let rows: Int
    package let lanes: Int
    /// Query rows of one tile of scores; a multiple of `forwardRows`.
    package let queries: Int
    /// Rows of a tile that the forward step takes from scores to results at a time, so that their scores stay in the
    /// level-1 cache; a multiple of `rows` and `lanes`.
    package let forwardRows: Int
    /// Keys of one tile of scores; a multiple of `columns`, and of the 64 that dropout's generator takes together.
    package let keys: Int
    /// A part has at least this many rows (a multiple of `queries` and `keys`), and the forward step keeps the queries
    /// and results of as many rows in scratch memory.
    package let partRows: Int
    /// Operands of tile products are pairs of bf16 along the depth, one pair a word, in place of f32.
    package let isPaired: Bool

    package init(
        rows: Int, lanes: Int, queries: Int, forwardRows: Int, keys: Int, partRows: Int, isPaired: Bool
    ) {
        self.rows = rows
        self.lanes = lanes
        self.queries = queries
        self.forwardRows = forwardRows
        self.keys = keys
        self.partRows = partRows
        self.isPaired = isPaired
    }

    /// Elements of an operand in 32 bits.
    package var wordElements: Int { isPaired ? 2 : 1 }
    /// Distances between the queries and the keys of a tile, and one more.
    package var window: Int { queries + keys }
    /// Columns of the register tile and of a packed panel: two vectors.
    package var columns: Int { 2 * lanes }

    /// The same as the packing of panels wants it, which goes through any depth.
    package var panel: ContractionTile {
        ContractionTile(rows: rows, vectors: 2, lanes: lanes, depth: keys, blockRows: queries)
    }
}

extension AttentionTile: CustomStringConvertible {
    package var description: String {
        "\(queries)x\(keys) in \(rows)x\(columns)" + (isPaired ? " bf16 pairs" : "")
    }
}
