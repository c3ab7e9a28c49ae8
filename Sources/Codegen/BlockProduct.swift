import GraphIR
import KernelIR

/// Writes one block of a product from packed panels: over the depth in blocks, over panels, over register tiles.
struct BlockProduct {
    let tile: ContractionTile
    let micro: MicroKernel
    /// Whether the left operand comes transposed and is packed into scratch memory first.
    let packsLeft: Bool

    /// Sizes and addresses of one block.
    struct Operands {
        var left: String
        var leftRow: String
        var leftDepth: String
        /// Panels `[panel][depth total][columns]` of this block, the depth rounded up to whole steps.
        var panels: String
        var target: String
        var targetRow: String
        var rows: String
        var columns: String
        var depth: String
        /// Where the left block is packed.
        var scratch: String
        /// Whether the product adds to the target.
        var accumulates = false
    }

    init(
        tile: ContractionTile, left: MatrixAccess, targetRow: Extent, masksColumns: Bool
    ) {
        self.tile = tile
        packsLeft = left.isTransposed
        micro = MicroKernel(
            tile: tile, leftRowStride: packsLeft ? tile.depthStep : left.rowStride.fixedValue,
            leftDepthStride: packsLeft
                ? tile.rows * tile.depthStep : left.columnStride.fixedValue.map { $0 * tile.depthStep },
            targetStride: targetRow.fixedValue, masksColumns: masksColumns)
    }

    private var storage: String { VectorWriter.storageName(tile.element) }

    func write(_ w: inout FunctionWriter, _ o: Operands) {
        // At least one round: a product over nothing is zero.
        let end = Int(o.depth) == nil ? w.max(o.depth, "1") : o.depth
        w.loop(from: "0", to: end, by: tile.depth) { w, k0, _ in
            let depth = w.min(w.sub(o.depth, k0), "\(tile.depth)")
            let first = o.accumulates ? "false" : w.value("icmp eq i64 \(k0), 0")
            let left = w.address(o.left, storage, w.mul(k0, o.leftDepth))
            if packsLeft {
                PackWriter(tile: tile).packLeft(
                    &w, source: left, depthStride: o.leftDepth, rows: o.rows, depth: depth, target: o.scratch)
            }
            let whole = w.roundUp(o.depth, to: tile.depthStep)
            let panelCount = w.ceilDivide(o.columns, tile.columns)
            w.loop(from: "0", to: panelCount, by: 1) { w, panel, _ in
                let column = w.mul(panel, "\(tile.columns)")
                // The panel's start, then k0 rows of it.
                let start = w.add(w.mul(column, whole), w.mul(k0, "\(tile.columns)"))
                let base = MicroKernel.Call(
                    left: packsLeft ? o.scratch : left, panel: w.address(o.panels, storage, start),
                    target: w.address(o.target, "float", column), depth: depth,
                    columns: w.sub(o.columns, column),
                    first: first, leftRow: o.leftRow, leftDepth: o.leftDepth, targetRow: o.targetRow)
                writeRows(&w, o, base)
                return []
            }
            return []
        }
    }

    /// Whole register tiles, then the remainder in tiles of 4, 2 and 1 rows.
    private func writeRows(_ w: inout FunctionWriter, _ o: Operands, _ base: MicroKernel.Call) {
        let tiles = w.value("udiv i64 \(o.rows), \(tile.rows)")
        let whole = w.mul(tiles, "\(tile.rows)")
        w.loop(from: "0", to: whole, by: tile.rows) { w, row, _ in
            callTile(&w, o, base, rows: tile.rows, at: row, within: "0")
            return []
        }
        let rest = w.sub(o.rows, whole)
        var within = "0"
        for rows in micro.rowCounts where rows < tile.rows {
            let bit = w.value("and i64 \(rest), \(rows)")
            let present = w.value("icmp ne i64 \(bit), 0")
            let offset = within
            w.when(present) { w in callTile(&w, o, base, rows: rows, at: whole, within: offset) }
            within = w.add(within, bit)
        }
    }

    /// Calls the tile function at row `at + within`; `at` is where the packed panel of `tile.rows` rows starts.
    private func callTile(
        _ w: inout FunctionWriter, _ o: Operands, _ base: MicroKernel.Call, rows: Int, at: String,
        within: String
    ) {
        let row = w.add(at, within)
        let leftOffset =
            packsLeft
            ? w.add(
                w.mul(at, w.roundUp(base.depth, to: tile.depthStep)), w.mul(within, "\(tile.depthStep)"))
            : w.mul(row, o.leftRow)
        let call = MicroKernel.Call(
            left: w.address(base.left, storage, leftOffset), panel: base.panel,
            target: w.address(base.target, "float", w.mul(row, o.targetRow)), depth: base.depth,
            columns: base.columns, first: base.first, leftRow: o.leftRow, leftDepth: o.leftDepth,
            targetRow: o.targetRow)
        micro.call(&w, rows: rows, call)
    }
}
