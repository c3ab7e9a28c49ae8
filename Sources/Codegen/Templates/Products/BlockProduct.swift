import GraphIR
import KernelIR

/// Writes one block of a product from packed panels: over the depth in blocks, over panels, over register tiles.
struct BlockProduct {
    let tile: ContractionTile
    /// The function that multiplies a block of rows with one panel.
    let unit: Unit
    /// Whether the left operand comes transposed and is packed into scratch memory first, a block of the depth at a
    /// time. Tiles read planes that were made before.
    private let packsLeft: Bool

    enum Unit: Hashable {
        case vectors(MicroKernel)
        case tiles(TileKernel)

        func text(_ bf16: BF16Unit) -> String {
            switch self {
            case .vectors(let micro): micro.text(bf16)
            case .tiles(let tiles): tiles.text(bf16)
            }
        }
    }

    /// Sizes and addresses of one block.
    struct Operands {
        /// Of the tile's element, for tiles of its `panelElement`.
        var left: String
        var leftRow: String
        var leftDepth: String
        /// From one plane of the left operand's terms to the next.
        var leftTerm = "0"
        /// Panels `[panel][term][depth total][columns]` of this block, the depth rounded up to whole steps.
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
        /// What `TileKernel.enter` made.
        var tileState = ""
    }

    init(
        tile: ContractionTile, left: MatrixAccess, targetRow: Extent, masksColumns: Bool
    ) {
        self.tile = tile
        packsLeft = !tile.runsOnTiles && left.isTransposed
        unit =
            tile.runsOnTiles
            ? .tiles(TileKernel(masksColumns: masksColumns, terms: tile.terms))
            : .vectors(
                MicroKernel(
                    tile: tile, leftRowStride: packsLeft ? tile.depthStep : left.rowStride.fixedValue,
                    leftDepthStride: packsLeft
                        ? tile.rows * tile.depthStep
                        : left.columnStride.fixedValue.map { $0 * tile.depthStep },
                    targetStride: targetRow.fixedValue, masksColumns: masksColumns))
    }

    /// Of the left operand as it is multiplied.
    private var storage: String {
        VectorWriter.storageName(tile.runsOnTiles ? tile.panelElement : tile.element)
    }

    func write(_ w: inout FunctionWriter, _ o: Operands) {
        guard tile.runsOnTiles else {
            // At least one round: a product over nothing is zero.
            let end = Int(o.depth) == nil ? w.max(o.depth, "1") : o.depth
            w.loop(from: "0", to: end, by: tile.depth) { w, k0, _ in
                writePanels(&w, o, from: k0, to: o.depth)
                return []
            }
            return
        }
        // Tiles are configured anew for what remains behind whole ones: once, not for every panel.
        let rest = w.value("and i64 \(o.depth), \(TileKernel.size - 1)")
        let whole = w.sub(o.depth, rest)
        let isWhole = w.value("icmp eq i64 \(rest), 0")
        let end = w.max(whole, w.value("zext i1 \(isWhole) to i64"))
        w.loop(from: "0", to: end, by: tile.depth) { w, k0, _ in
            writePanels(&w, o, from: k0, to: whole)
            return []
        }
        w.when(w.value("xor i1 \(isWhole), true")) { w in writePanels(&w, o, from: whole, to: o.depth) }
    }

    /// One block of the depth, `k0 ..< end` or as much of it as a block has: over all panels.
    private func writePanels(_ w: inout FunctionWriter, _ o: Operands, from k0: String, to end: String) {
        let depth = w.min(w.sub(end, k0), "\(tile.depth)")
        let first = o.accumulates ? "false" : w.value("icmp eq i64 \(k0), 0")
        let left = w.address(o.left, storage, w.mul(k0, o.leftDepth))
        if packsLeft {
            PackWriter(tile: tile).packLeft(
                &w, source: left, depthStride: o.leftDepth, rows: o.rows, depth: depth, target: o.scratch)
        }
        let whole = w.roundUp(o.depth, to: tile.depthStep)
        let panelTerm = w.mul(whole, "\(tile.columns)")
        let panelCount = w.ceilDivide(o.columns, tile.columns)
        w.loop(from: "0", to: panelCount, by: 1) { w, panel, _ in
            let column = w.mul(panel, "\(tile.columns)")
            // The panel's start, then k0 rows of it.
            let start = w.add(
                w.mul(panel, w.mul(panelTerm, "\(tile.terms)")), w.mul(k0, "\(tile.columns)"))
            let place = w.address(o.panels, VectorWriter.storageName(tile.panelElement), start)
            let target = w.address(o.target, "float", column)
            let columns = w.sub(o.columns, column)
            switch unit {
            case .vectors(let micro):
                let base = MicroKernel.Call(
                    left: packsLeft ? o.scratch : left, panel: place, target: target, depth: depth,
                    columns: columns, first: first, leftRow: o.leftRow, leftDepth: o.leftDepth,
                    targetRow: o.targetRow)
                writeRows(&w, o, base, micro)
            case .tiles(let tiles):
                let call = TileKernel.Call(
                    left: left, panel: place, target: target, rows: o.rows, depth: depth, columns: columns,
                    first: first, leftRow: o.leftRow, targetRow: o.targetRow, leftTerm: o.leftTerm,
                    panelTerm: panelTerm)
                tiles.call(&w, state: o.tileState, call)
            }
            return []
        }
    }

    /// Whole register tiles, then the remainder in tiles of 4, 2 and 1 rows.
    private func writeRows(
        _ w: inout FunctionWriter, _ o: Operands, _ base: MicroKernel.Call, _ micro: MicroKernel
    ) {
        let tiles = w.value("udiv i64 \(o.rows), \(tile.rows)")
        let whole = w.mul(tiles, "\(tile.rows)")
        w.loop(from: "0", to: whole, by: tile.rows) { w, row, _ in
            callTile(&w, o, base, micro, rows: tile.rows, at: row, within: "0")
            return []
        }
        let rest = w.sub(o.rows, whole)
        var within = "0"
        for rows in micro.rowCounts where rows < tile.rows {
            let bit = w.value("and i64 \(rest), \(rows)")
            let present = w.value("icmp ne i64 \(bit), 0")
            let offset = within
            w.when(present) { w in callTile(&w, o, base, micro, rows: rows, at: whole, within: offset) }
            within = w.add(within, bit)
        }
    }

    /// Calls the tile function at row `at + within`; `at` is where the packed panel of `tile.rows` rows starts.
    private func callTile(
        _ w: inout FunctionWriter, _ o: Operands, _ base: MicroKernel.Call, _ micro: MicroKernel, rows: Int,
        at: String,
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
