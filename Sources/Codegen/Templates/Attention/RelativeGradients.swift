import GraphIR
import KernelIR

// The gradient step's part for the keys and queries of distances. The gradients of a tile's scores are laid out by
// distances: [queries][window] for what they give to queries and to the distances' keys, and [window][keys] for what they
// give to keys and to the distances' queries. A distance of the latter has pairs in several tiles of one block of keys;
// the gradients of earlier tiles are kept until all of a distance are there.

extension AttentionTemplate {
    /// Planes of the gradients of one head's relative tables.
    struct RelativePlanes {
        let keys: Pointer?
        let queries: Pointer?
    }

    /// dQ += D A
    var relativeQueryGradientProduct: TileProduct? {
        kernel.relative?.keys == nil
            ? nil
            : rowProduct(
                "relative_query_gradient", .target, leftRow: tile.window / tile.wordElements)
    }

    /// dA += Dᵀ Q
    var relativeKeyProduct: TileProduct? {
        kernel.relative?.keys == nil
            ? nil : keyProduct("relative_keys", .target, leftDepth: tile.wordElements * tile.window)
    }

    /// dB += E K
    var relativeQueryProduct: TileProduct? {
        kernel.relative?.queries == nil
            ? nil : rowProduct("relative_queries", .target, leftRow: tile.keys / tile.wordElements)
    }

    // MARK: Planes

    /// Zeroes the planes that a task adds to.
    func startRelative(
        _ w: inout FunctionWriter, _ gradient: RelativeGradient, group: I64, head: I64, part: I64
    ) -> RelativePlanes {
        func plane(_ table: RelativeGradient.Table?) -> Pointer? {
            guard let table else { return nil }
            let number = w.add(w.mul(group, kernel.parts), part)
            let place = relativePlane(&w, table, number, head: head)
            clear(&w, place, .f32, count: I64(planeRows * kernel.paddedSize))
            return place
        }
        return RelativePlanes(keys: plane(gradient.keys), queries: plane(gradient.queries))
    }

    private var planeRows: Int { (kernel.relative?.rows ?? 0) + tile.window }

    private func relativePlane(
        _ w: inout FunctionWriter, _ table: RelativeGradient.Table, _ number: I64, head: I64
    ) -> Pointer {
        let own = w.mul(head, planeRows * kernel.paddedSize)
        return w.address(
            w.buffer(table.partial), .float, w.add(w.mul(number, kernel.relativePlane), own))
    }

    /// The row of a plane for distance number `number` of a window. Windows reach beyond the table at both ends.
    private func planeRow(
        _ w: inout FunctionWriter, _ plane: Pointer, _ window: RelativeWindow, number: I64
    ) -> Pointer {
        // The least distance of any window is -(longest - 1) - (queries - 1).
        let longest = kernel.relative?.longest ?? 0
        let place = w.add(w.add(w.sub(window.key, window.row), number), longest - 1)
        return w.address(plane, .float, w.mul(place, kernel.paddedSize))
    }

    /// Adds the planes of a share of one head's rows in order: `result = scale Σ planes`.
    func writeRelativeSum(_ w: inout FunctionWriter, _ task: I64, _ gradient: RelativeGradient) {
        guard let relative = kernel.relative else { return }
        let share = w.urem(task, AttentionKernel.shares)
        let head = w.udiv(task, AttentionKernel.shares)
        let size = (relative.rows + AttentionKernel.shares - 1) / AttentionKernel.shares
        let from = w.min(w.mul(share, size), relative.rows)
        let to = w.min(w.add(from, size), relative.rows)
        for table in gradient.tables {
            let first = relativePlane(&w, table, 0, head: head)
            w.loop(from: from, to: to, by: 1) { w, row in
                // Distance 0 is number longest - 1 of the table, and longest + queries - 2 of a plane.
                let own = w.address(
                    first, .float, w.mul(w.add(row, tile.queries - 1), kernel.paddedSize))
                let target = tokenRow(&w, table.result, row, head)
                for (column, mask) in vectors {
                    let place = w.address(own, .float, column)
                    let sum = w.loop(
                        from: 1, to: I64(kernel.relativePlanes), by: 1, carrying: [loadVector(&w, place)]
                    ) { w, plane, sum in
                        let other = w.address(place, .float, w.mul(plane, kernel.relativePlane))
                        return [w.fadd(sum[0], loadVector(&w, other))]
                    }[0]
                    v.store(
                        &w, w.fmul(sum, v.float(kernel.attributes.scale)), as: kernel.element,
                        w.address(target, kernel.element.stored, column), mask: mask)
                }
            }
        }
    }

    // MARK: Gradients of scores by distances

    /// The number of a tile's first row in the gradients of scores that are kept.
    private var historyRow: Int { tile.window - tile.queries }

    /// Where the gradients of a tile's scores go, beside the products' operands.
    func historyAddress(_ w: inout FunctionWriter, _ row: I64, _ column: I64) -> Pointer {
        scoreAddress(&w, scratch(&w, .slopeHistory), w.add(row, historyRow), column)
    }

    /// Forgets the gradients of all tiles.
    func clearHistory(_ w: inout FunctionWriter) {
        guard kernel.relative != nil else { return }
        clear(&w, scratch(&w, .slopeHistory), .f32, count: I64(tile.window * tile.keys))
    }

    /// Makes room for the gradients of `rows` rows, the next tile's; the rows behind them are 0.
    func advanceHistory(_ w: inout FunctionWriter, rows: I64) {
        guard kernel.relative != nil else { return }
        shiftRows(&w, .slopeHistory, by: tile.queries, isUp: false)
        let rest = w.mul(w.sub(I64(tile.queries), rows), tile.keys)
        clear(&w, historyAddress(&w, rows, 0), .f32, count: rest)
    }

    /// dQ += D A and dA += Dᵀ Q for a tile.
    func addContentGradients(
        _ w: inout FunctionWriter, _ planes: RelativePlanes?, _ window: RelativeWindow, rows: I64, keys: I64
    ) {
        guard let plane = planes?.keys, let queryProduct = relativeQueryGradientProduct,
            let keyProduct = relativeKeyProduct
        else { return }
        let range = windowRange(&w, rows: rows, keys: keys)
        writeContentSlopes(&w, rows: rows, range)
        let count = w.sub(range.to, range.from)
        let (pairs, byRows) = (scratch(&w, .contentSlopes), contentSlopeRows(&w))
        func words(_ w: inout FunctionWriter, _ number: I64) -> I64 { w.udiv(number, tile.wordElements) }
        queryProduct.write(
            &w,
            TileProduct.Operands(
                left: w.address(byRows, .float, words(&w, range.from)),
                right: w.address(
                    scratch(&w, .relativeKeyPairs), .float, w.mul(words(&w, range.from), kernel.paddedSize)),
                target: scratch(&w, .dq), rows: rows, depth: words(&w, count)),
            columns: kernel.paddedSize)
        keyProduct.write(
            &w,
            TileProduct.Operands(
                left: w.address(pairs, .float, range.from), right: scratch(&w, .queryPairs),
                target: planeRow(&w, plane, window, number: range.from), rows: count,
                depth: depthWords(&w, rows)),
            columns: kernel.paddedSize)
    }

    private func contentSlopeRows(_ w: inout FunctionWriter) -> Pointer {
        scratch(&w, tile.isPaired ? .contentSlopeRows : .contentSlopes)
    }

    /// D: the gradients of a tile's scores, each row from its own first key on.
    private func writeContentSlopes(_ w: inout FunctionWriter, rows: I64, _ range: WindowRange) {
        let (pairs, byRows) = (scratch(&w, .contentSlopes), contentSlopeRows(&w))
        w.loop(from: 0, to: rows, by: tile.wordElements) { w, row in
            w.loop(from: range.from, to: range.to, by: tile.lanes) { w, number in
                let values = (0..<tile.wordElements).map { index -> Vector<F32> in
                    let own = w.add(row, index)
                    let column = w.sub(w.add(number, own), tile.queries - 1)
                    let mask = isKey(&w, column)
                    return loadVector(&w, historyAddress(&w, own, column), mask: mask)
                }
                let start = w.add(w.mul(row, tile.window), number)
                guard tile.isPaired else {
                    return storeVector(&w, values[0], w.address(byRows, .float, start))
                }
                let bits = values.map { v.bf16Bits(&w, $0) }
                storePair(&w, bits, w.address(pairs, .float, start))
                for (index, bits) in bits.enumerated() {
                    v.store(&w, bits, w.address(byRows, .i16, w.add(start, index * tile.window)))
                }
            }
        }
    }

    /// The lanes from `column` on that are among a tile's keys; `column` may be negative.
    private func isKey(_ w: inout FunctionWriter, _ column: I64) -> Mask {
        let numbers = w.add(v.laneNumbers, v.splat(&w, w.convert(.trunc, column, to: I32.self)))
        return w.compare(.ult, numbers, v.bits(tile.keys))
    }

    /// A step over the distances of a block of keys whose gradients are complete behind some tile.
    struct FinishedDistances {
        /// The window of the tile, or of one that would follow the last.
        let window: RelativeWindow
        let keys: I64
        /// The rows that have come so far, before that tile and with it, and how many there are altogether: the distances of
        /// others are left out.
        let rowsBefore: I64
        let rowCount: I64
    }

    /// dK += Eᵀ B and dB += E K for the distances that end with a tile: the last `queries` of its window.
    func addPositionGradients(
        _ w: inout FunctionWriter, _ planes: RelativePlanes?, _ step: FinishedDistances
    ) {
        guard let plane = planes?.queries, let buffer = kernel.relative?.queries,
            let product = relativeQueryProduct
        else { return }
        // Number x of them is met by key c in row c - x - (keys - queries) - 1 of the tile.
        let shift = tile.keys - tile.queries + 1
        let behind = w.sub(w.sub(step.rowsBefore, step.rowCount), shift - 1)
        let first = w.max(behind, 0)
        let from = w.mul(w.udiv(first, tile.columns), tile.columns)
        let past = w.min(step.rowsBefore, tile.keys)
        let end = w.max(w.sub(w.add(step.keys, past), shift), 0)
        let to = w.min(w.roundUp(end, to: tile.columns), tile.queries)
        w.when(w.compare(.slt, from, to)) { w in
            let number = w.add(from, historyRow)
            let count = w.sub(to, from)
            let rows = relativeRows(&w, buffer, step.window)
            let right = scratch(&w, .relativeQueryPairs)
            let target = tile.isPaired ? CopyTarget(pairs: right) : CopyTarget(rows: right)
            copyIn(&w, rows.from(&w, number), count: count, to: target)
            writePositionSlopes(&w, from: from, to: to, keys: step.keys)
            keyGradientProduct.write(
                &w,
                TileProduct.Operands(
                    left: scoreAddress(&w, scratch(&w, .scoreGradients), from, 0), right: right,
                    target: scratch(&w, .dk), rows: step.keys, depth: depthWords(&w, count)),
                columns: kernel.paddedSize)
            let words = tile.keys / tile.wordElements
            product.write(
                &w,
                TileProduct.Operands(
                    left: w.address(
                        scratch(&w, tile.isPaired ? .scoreGradientRows : .scoreGradients), .float,
                        w.mul(from, words)),
                    right: scratch(&w, .keyPairs),
                    target: planeRow(&w, plane, step.window, number: number), rows: count,
                    depth: depthWords(&w, step.keys)),
                columns: kernel.paddedSize)
        }
    }

    /// The same for all distances that are left behind the last tile, as if tiles without rows followed.
    ///
    /// - Parameters:
    ///   - window: the first of those.
    ///   - before: rows up to it, of which `count` are there.
    func finishDistances(
        _ w: inout FunctionWriter, _ planes: RelativePlanes?, _ window: RelativeWindow, before: I64,
        of count: I64, _ keys: I64
    ) {
        guard planes?.queries != nil else { return }
        w.loop(from: 0, to: I64(tile.window - tile.queries), by: tile.queries) { w, more in
            advanceHistory(&w, rows: 0)
            let next = RelativeWindow(head: window.head, row: w.add(window.row, more), key: window.key)
            addPositionGradients(
                &w, planes,
                FinishedDistances(
                    window: next, keys: keys, rowsBefore: w.add(before, more), rowCount: count))
        }
    }

    /// E: for each of the distances `from ..< to` that end with a tile, the gradient of every key's score with it.
    private func writePositionSlopes(_ w: inout FunctionWriter, from: I64, to: I64, keys: I64) {
        let (pairs, byRows) = (scratch(&w, .scoreGradients), scratch(&w, .scoreGradientRows))
        let columns = w.mul(columnVectors(&w, keys), tile.lanes)
        w.loop(from: from, to: to, by: tile.wordElements) { w, number in
            w.loop(from: 0, to: columns, by: tile.lanes) { w, column in
                let values = (0..<tile.wordElements).map { index -> Vector<F32> in
                    let row = w.add(w.sub(column, w.add(number, index)), tile.queries - 1)
                    return loadDiagonal(&w, scoreAddress(&w, scratch(&w, .slopeHistory), row, column))
                }
                let place = scoreAddress(&w, pairs, number, column)
                guard tile.isPaired else { return storeVector(&w, values[0], place) }
                let bits = values.map { v.bf16Bits(&w, $0) }
                storePair(&w, bits, place)
                for (index, bits) in bits.enumerated() {
                    let start = w.mul(w.add(number, index), tile.keys)
                    v.store(&w, bits, w.address(byRows, .i16, w.add(start, column)))
                }
            }
        }
    }
}
