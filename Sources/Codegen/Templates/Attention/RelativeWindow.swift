import GraphIR
import KernelIR

// Keys and queries of distances (He et al., arXiv:2006.03654). The distances j - i of a tile of scores, from the row of
// queries that starts at `row` and the key `key` on, are a window: distance number w of it is key - row - (queries - 1) + w,
// so that query r of the tile meets its key c at w = c - r + queries - 1. Products with the distances' keys and queries
// are made for whole windows, and a row of scores takes its own numbers out of them: of a query's products with the
// distances' keys the ones from w on, next to each other; of the distances' queries' products with keys one for each
// lane, each a row further down.

/// The distances of a tile that its rows and keys have, in whole panels: `from ..< to` of the window.
struct WindowRange {
    let from: I64
    let to: I64
}

/// Where a window is: that of a head's tile whose first query and key these are.
struct RelativeWindow {
    let head: I64
    let row: I64
    let key: I64
}

/// What a tile of scores gets for the distances of its queries and keys.
struct RelativeTile {
    /// The tile's row that local row 0 is.
    let firstRow: I64
}

extension AttentionTemplate {
    /// Products of queries with the distances' keys, like scores.
    var contentProduct: TileProduct? {
        kernel.relative?.keys == nil
            ? nil
            : headProduct(
                "content_scores", factor: kernel.attributes.scale * Self.log2e, targetRow: tile.window)
    }

    /// The part of the window that `rows` queries and `keys` keys reach.
    func windowRange(_ w: inout FunctionWriter, rows: I64, keys: I64) -> WindowRange {
        let first = w.sub(I64(tile.queries), rows)
        let from = w.mul(w.udiv(first, tile.columns), tile.columns)
        let columns = w.mul(w.ceilDivide(keys, tile.columns), tile.columns)
        let end = w.roundUp(w.add(columns, tile.queries - 1), to: tile.columns)
        return WindowRange(from: from, to: w.min(end, tile.window))
    }

    /// Rows of a relative table of one head: distance number 0 of a window and those behind it, all kept within the
    /// table.
    func relativeRows(_ w: inout FunctionWriter, _ buffer: Int, _ window: RelativeWindow) -> HeadRows {
        guard let relative = kernel.relative else { preconditionFailure("attention without distances") }
        let middle = relative.longest - 1 - (tile.queries - 1)
        let first = w.add(w.sub(window.key, window.row), middle)
        return HeadRows(
            start: tokenRow(&w, buffer, 0, window.head), stride: rowStride(buffer),
            place: RowPlace(first: first, last: I64(relative.rows - 1)))
    }

    /// Makes what a tile needs of its window, but for products with its queries: the panels of the distances' keys, and
    /// the products of the distances' queries with the tile's keys, of which a step to the next tile keeps what the two
    /// have in common.
    ///
    /// - Parameter isFirst: whether nothing of the window is there.
    func startWindow(
        _ w: inout FunctionWriter, _ window: RelativeWindow, rows: I64, keys: I64, isFirst: I1
    ) {
        guard let relative = kernel.relative else { return }
        let range = windowRange(&w, rows: rows, keys: keys)
        if let buffer = relative.keys {
            let rows = relativeRows(&w, buffer, window)
            forWindowBlocks(&w, range.from, range.to) { w, first, count in
                writeKeyPanels(&w, rows, first: first, count: count)
            }
        }
        guard let buffer = relative.queries else { return }
        let rows = relativeRows(&w, buffer, window)
        let to = w.select(isFirst, range.to, w.min(range.to, tile.queries))
        w.when(w.not(isFirst)) { w in
            shiftRows(&w, .positionScores, by: tile.queries, isUp: true)
        }
        forWindowBlocks(&w, range.from, to) { w, first, count in
            let place = scratch(&w, .relativeRows)
            copyIn(&w, rows.from(&w, first), count: count, to: CopyTarget(rows: place))
            scoreProduct.writePanels(
                &w,
                TileProduct.Operands(
                    left: place, right: scratch(&w, .keyPanels),
                    target: scoreAddress(&w, scratch(&w, .positionScores), first, 0), rows: count,
                    depth: I64(kernel.depthWords)),
                count: w.ceilDivide(keys, tile.columns))
        }
    }

    /// Up to as many distances at a time as a tile has queries.
    private func forWindowBlocks(
        _ w: inout FunctionWriter, _ from: I64, _ to: I64,
        _ body: (inout FunctionWriter, _ first: I64, _ count: I64) -> Void
    ) {
        w.loop(from: from, to: to, by: tile.queries) { w, first in
            body(&w, first, w.min(w.sub(to, first), tile.queries))
        }
    }

    /// The panels of distances from `first` on, and the pairs of rows that the gradient multiplies by.
    private func writeKeyPanels(_ w: inout FunctionWriter, _ rows: HeadRows, first: I64, count: I64) {
        let isForward = if case .forward = kernel.step { true } else { false }
        let depth = kernel.depthWords
        let panels = w.address(scratch(&w, .relativeKeyPanels), .float, w.mul(first, depth))
        var place = scratch(&w, .relativeRows)
        var pairs: Pointer?
        if !isForward {
            let words =
                tile.isPaired ? w.mul(w.lshr(first, 1), kernel.paddedSize) : w.mul(first, kernel.paddedSize)
            let target = w.address(scratch(&w, .relativeKeyPairs), .float, words)
            if tile.isPaired { pairs = target } else { place = target }
        }
        copyIn(&w, rows.from(&w, first), count: count, to: CopyTarget(rows: place, pairs: pairs))
        packPanels(&w, place, panels, count: count)
    }

    /// Moves the rows of a window [window][keys] to the next tile's: up by a number of rows that divides the window, or
    /// down by it.
    func shiftRows(_ w: inout FunctionWriter, _ array: AttentionArray, by step: Int, isUp: Bool) {
        let start = scratch(&w, array)
        let blocks = (0..<tile.window / step - 1).map { isUp ? ($0, $0 + 1) : ($0 + 1, $0) }
        let bytes = I64(4 * step * tile.keys)
        for (source, target) in isUp ? blocks.reversed() : blocks {
            w.copy(
                w.address(start, .float, source * step * tile.keys),
                to: w.address(start, .float, target * step * tile.keys), bytes: bytes)
        }
    }

    /// Multiplies `rows` queries, which are the tile's rows from `firstRow` on, by the distances' keys that they meet.
    func writeContentScores(
        _ w: inout FunctionWriter, queries: Pointer, firstRow: I64, rows: I64, keys: I64
    ) -> RelativeTile? {
        guard kernel.relative != nil else { return nil }
        if let product = contentProduct {
            let last = w.sub(w.add(firstRow, rows), 1)
            let least = w.sub(I64(tile.queries - 1), last)
            let from = w.udiv(least, tile.columns)
            let columns = w.mul(w.ceilDivide(keys, tile.columns), tile.columns)
            let end = w.ceilDivide(w.sub(w.add(columns, tile.queries - 1), firstRow), tile.columns)
            let column = w.mul(from, tile.columns)
            product.writePanels(
                &w,
                TileProduct.Operands(
                    left: queries,
                    right: w.address(
                        scratch(&w, .relativeKeyPanels), .float, w.mul(column, kernel.depthWords)),
                    target: w.address(scratch(&w, .contentScores), .float, column), rows: rows,
                    depth: I64(kernel.depthWords)),
                count: w.sub(end, from))
        }
        return RelativeTile(firstRow: firstRow)
    }

    /// A vector of scores with the terms of its distances. `row` is a row of `contentScores`.
    func addRelative(
        _ w: inout FunctionWriter, _ relative: RelativeTile, _ row: I64, _ column: I64,
        to score: Vector<F32>
    ) -> Vector<F32> {
        let own = w.add(relative.firstRow, row)
        let first = w.add(w.sub(column, own), tile.queries - 1)
        var sum = score
        if kernel.relative?.keys != nil {
            let place = w.add(w.mul(row, tile.window), first)
            sum = w.fadd(sum, loadVector(&w, w.address(scratch(&w, .contentScores), .float, place)))
        }
        if kernel.relative?.queries != nil {
            let place = scoreAddress(&w, scratch(&w, .positionScores), first, column)
            sum = w.fadd(sum, loadDiagonal(&w, place))
        }
        return sum
    }

    /// The vector whose lane l is lane l of the row l rows below `place`, in rows of `keys` numbers.
    func loadDiagonal(_ w: inout FunctionWriter, _ place: Pointer) -> Vector<F32> {
        func lanes(_ isOwn: (Int) -> Bool) -> Mask { Mask((0..<tile.lanes).map { I1(isOwn($0)) }) }
        var result: Vector<F32>?
        for group in 0..<tile.lanes / 4 {
            var four = loadVector(&w, w.address(place, .float, 4 * group * tile.keys))
            for index in 1..<4 {
                let row = loadVector(&w, w.address(place, .float, (4 * group + index) * tile.keys))
                four = w.select(lanes { $0 % 4 == index }, row, four)
            }
            result = result.map { w.select(lanes { $0 / 4 == group }, four, $0) } ?? four
        }
        return result ?? v.float(0)
    }
}
