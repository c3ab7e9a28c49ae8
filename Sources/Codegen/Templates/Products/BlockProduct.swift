import GraphIR
import KernelIR
import Target

/// Writes one block of a product from packed panels: over the depth in blocks, over panels, over register tiles.
struct BlockProduct {
    let tile: ContractionTile
    /// The function that multiplies a block of rows with one panel.
    let unit: Unit
    private let leftForm: LeftForm

    /// How the left operand reaches the registers. Tiles read planes that were made before.
    private enum LeftForm {
        /// From where it stands.
        case inPlace
        /// From scratch memory, for it comes transposed: a block of the depth at a time is packed.
        case packed
        /// From scratch memory, as f32.
        case widened
    }

    enum Unit: Hashable {
        case vectors(MicroKernel)
        case tiles(TileKernel)

        var helper: KernelHelper {
            switch self {
            case .vectors(let micro): KernelHelper(unit: .vectors(micro))
            case .tiles(let tiles): KernelHelper(unit: .tiles(tiles))
            }
        }
    }

    /// A left operand as products read it; distances in elements.
    struct Left {
        /// Elements of the tile's element, for tiles of its `panelElement`.
        let address: Pointer
        let row: I64
        let depth: I64
        /// From one plane of the operand's terms to the next.
        var term: I64 = 0
    }

    /// Sizes and addresses of one block.
    struct Operands {
        let left: Left
        /// Panels `[panel][term][depth total][columns]` of this block, the depth rounded up to whole steps.
        let panels: Pointer
        let target: Pointer
        let targetRow: I64
        let rows: I64
        let columns: I64
        let depth: I64
        /// Where blocks of operands are packed or widened.
        let scratch: Pointer
        /// Whether the product adds to the target.
        var accumulates = false
        /// What `TileKernel.enter` made.
        var tileState: Pointer?
    }

    init(
        tile: ContractionTile, left: MatrixAccess, targetRow: Extent, targetElement: ElementType = .f32,
        masksColumns: Bool
    ) {
        self.tile = tile
        guard !tile.runsOnTiles else {
            leftForm = .inPlace
            unit = .tiles(TileKernel(masksColumns: masksColumns, terms: tile.terms))
            return
        }
        leftForm = left.isTransposed ? .packed : tile.widens ? .widened : .inPlace
        let multiplied = tile.multiplied
        let strides: (row: Int?, depth: Int?) =
            switch leftForm {
            case .inPlace:
                (left.rowStride.fixedValue, left.columnStride.fixedValue.map { $0 * tile.depthStep })
            case .packed: (multiplied.depthStep, multiplied.depthStep * tile.packedRows)
            case .widened: (tile.widenedRow, 1)
            }
        unit = .vectors(
            MicroKernel(
                tile: multiplied, leftRowStride: strides.row, leftDepthStride: strides.depth,
                targetStride: targetRow.fixedValue, targetElement: targetElement, masksColumns: masksColumns))
    }

    /// What the left operand is made of as it is multiplied.
    private var storage: ScalarType { (tile.runsOnTiles ? tile.panelElement : tile.element).stored }

    func write(_ w: inout FunctionWriter, _ o: Operands) {
        guard tile.runsOnTiles else {
            // At least one round: a product over nothing is zero.
            let end = o.depth.constant == nil ? w.max(o.depth, 1) : o.depth
            w.loop(from: 0, to: end, by: tile.depth) { w, k0 in writePanels(&w, o, from: k0, to: o.depth) }
            return
        }
        // Tiles are configured anew for what remains behind whole ones: once, not for every panel.
        let rest = w.and(o.depth, I64(TileKernel.size - 1))
        let whole = w.sub(o.depth, rest)
        let isWhole = w.compare(.eq, rest, 0)
        let end = w.max(whole, w.convert(.zext, isWhole, to: I64.self))
        w.loop(from: 0, to: end, by: tile.depth) { w, k0 in writePanels(&w, o, from: k0, to: whole) }
        w.when(w.not(isWhole)) { w in writePanels(&w, o, from: whole, to: o.depth) }
    }

    /// One block of the depth, `k0 ..< end` or as much of it as a block has: over all panels.
    private func writePanels(_ w: inout FunctionWriter, _ o: Operands, from k0: I64, to end: I64) {
        let depth = w.min(w.sub(end, k0), tile.depth)
        let first = o.accumulates ? false : w.compare(.eq, k0, 0)
        let left = w.address(o.left.address, storage, w.mul(k0, o.left.depth))
        switch leftForm {
        case .inPlace: break
        case .packed:
            let rows = PackWriter.TransposedRows(
                source: left, depthStride: o.left.depth, rows: o.rows, depth: depth)
            PackWriter(tile: tile.multiplied, source: tile.element).packLeft(&w, rows, target: o.scratch)
        case .widened:
            WideningWriter(tile: tile).widenLeft(
                &w, left, rowStride: o.left.row, rows: o.rows, depth: depth, target: o.scratch)
        }
        let panelTerm = w.mul(tile.panelDepth(&w, o.depth), tile.columns)
        let panelCount = w.ceilDivide(o.columns, tile.columns)
        w.loop(from: 0, to: panelCount, by: 1) { w, panel in
            let column = w.mul(panel, tile.columns)
            // The panel's start, then k0 rows of it.
            let start = w.add(w.mul(panel, w.mul(panelTerm, tile.terms)), w.mul(k0, tile.columns))
            let place = w.address(o.panels, tile.panelElement.stored, start)
            let target = w.address(o.target, .float, column)
            let columns = w.sub(o.columns, column)
            switch unit {
            case .vectors(let micro):
                let call = MicroKernel.Call(
                    left: leftForm == .inPlace ? left : o.scratch, panel: widened(&w, place, o, depth),
                    target: target, depth: depth, columns: columns, first: first, leftRow: o.left.row,
                    leftDepth: o.left.depth, targetRow: o.targetRow)
                writeRows(&w, o, call, micro)
            case .tiles(let tiles):
                guard let state = o.tileState else { preconditionFailure("no kernel entered its tiles") }
                let call = TileKernel.Call(
                    left: left, panel: place, target: target, rows: o.rows, depth: depth, columns: columns,
                    first: first, leftRow: o.left.row, targetRow: o.targetRow, leftTerm: o.left.term,
                    panelTerm: panelTerm)
                tiles.call(&w, state: state, call)
            }
        }
    }

    /// The block of a panel at `place` as registers multiply it.
    private func widened(_ w: inout FunctionWriter, _ place: Pointer, _ o: Operands, _ depth: I64) -> Pointer
    {
        guard tile.widens else { return place }
        let target = w.address(o.scratch, .i8, tile.leftBlockByteCount)
        WideningWriter(tile: tile).widenPanel(&w, place, depth: depth, target: target)
        return target
    }

    /// A register tile of `count` rows, at row `at + within`; `at` is where the packed panel of `tile.rows` rows starts.
    private struct RowTile {
        let count: Int
        let at: I64
        let within: I64
    }

    /// Whole register tiles, then the remainder in tiles of 4, 2 and 1 rows.
    private func writeRows(
        _ w: inout FunctionWriter, _ o: Operands, _ call: MicroKernel.Call, _ micro: MicroKernel
    ) {
        let whole = w.mul(w.udiv(o.rows, tile.rows), tile.rows)
        w.loop(from: 0, to: whole, by: tile.rows) { w, row in
            callTile(&w, o, call, micro, RowTile(count: tile.rows, at: row, within: 0))
        }
        let rest = w.sub(o.rows, whole)
        var within: I64 = 0
        for rows in micro.rowCounts where rows < tile.rows {
            let bit = w.and(rest, I64(rows))
            let present = w.compare(.ne, bit, 0)
            let rowTile = RowTile(count: rows, at: whole, within: within)
            w.when(present) { w in callTile(&w, o, call, micro, rowTile) }
            within = w.add(within, bit)
        }
    }

    /// Calls the function for a register tile, given the call for the first row of the block.
    private func callTile(
        _ w: inout FunctionWriter, _ o: Operands, _ first: MicroKernel.Call, _ micro: MicroKernel,
        _ rows: RowTile
    ) {
        let row = w.add(rows.at, rows.within)
        let multiplied = tile.multiplied
        let leftOffset: I64
        switch leftForm {
        case .inPlace: leftOffset = w.mul(row, o.left.row)
        case .widened: leftOffset = w.mul(row, tile.widenedRow)
        case .packed:
            let packed = w.mul(w.udiv(rows.at, tile.rows), tile.packedRows)
            leftOffset = w.add(
                w.mul(packed, w.roundUp(first.depth, to: multiplied.depthStep)),
                w.mul(rows.within, multiplied.depthStep))
        }
        var call = first
        call.left = w.address(first.left, multiplied.element.stored, leftOffset)
        call.target = w.address(first.target, .float, w.mul(row, o.targetRow))
        micro.call(&w, rows: rows.count, call)
    }
}
