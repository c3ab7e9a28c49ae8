import GraphIR
import KernelIR

/// Buffers of the gradient step.
struct GradientBuffers {
    let dout: Int
    let lse: Int
    let delta: Int
    let dq: Int
    let dk: Int
    let dv: Int
    let partial: Int
}

// The gradient step: a block of keys against all queries of its sequence, with dK and dV in scratch memory.

extension AttentionTemplate {
    /// A block of queries, from row `row` of the sequence on, against a block of keys.
    private struct GradientTile {
        let row: I64
        let keys: I64
        /// Where the part's share of dq goes, and whether no earlier tile has written it.
        let share: TokenRows
        let isFirst: I1
        let state: I32?
        let bias: BiasTile?
        let dbias: BiasTile?
        let window: RelativeWindow
        let planes: RelativePlanes?
    }

    /// Where a task adds to gradients that sequences share.
    private struct SharedGradients {
        var bias: BiasRows?
        var relative: RelativePlanes?
    }

    func writeGradient(_ w: inout FunctionWriter, _ task: I64, _ buffers: GradientBuffers) {
        guard let groups = kernel.groups else {
            return writePart(&w, part(&w, task), buffers, SharedGradients())
        }
        let (group, head, number) = numbers(&w, task)
        let shared = SharedGradients(
            bias: kernel.biasGradient.map { startBias(&w, $0, group: group, head: head, part: number) },
            relative: kernel.relativeGradient.map {
                startRelative(&w, $0, group: group, head: head, part: number)
            })
        w.loop(from: group, to: w.extent(kernel.sequences), by: groups) { w, sequence in
            writePart(&w, part(&w, sequence: sequence, head: head, number: number), buffers, shared)
        }
    }

    private func writePart(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, _ shared: SharedGradients
    ) {
        forPadding(&w, part) { w, row in
            for buffer in [buffers.dq, buffers.dk, buffers.dv] {
                let place = tokenRow(&w, buffer, row, part.head)
                clear(&w, place, kernel.element, count: I64(kernel.headSize))
            }
        }
        let share = self.share(&w, of: part.number, dq: buffers.dq, partial: buffers.partial)
        w.loop(from: part.from, to: part.to, by: tile.keys) { w, key in
            let keys = w.min(w.sub(part.to, key), tile.keys)
            let token = w.add(part.rows.start, key)
            startKeys(&w, part, token, keys, key)
            w.loop(from: 0, to: part.rows.count, by: tile.queries) { w, row in
                whenTile(
                    &w, part, row: row, key: key,
                    otherwise: { w in clearUnwritten(&w, part, share, row: row, key: key) }
                ) { w, state in
                    let isFirst = isFirstTile(&w, part, row: row, key: key)
                    let tile = GradientTile(
                        row: row, keys: keys, share: share, isFirst: isFirst, state: state,
                        bias: part.bias?.tile(&w, query: row, key: key, keys: keys),
                        dbias: shared.bias?.tile(&w, query: row, key: key, keys: keys),
                        window: RelativeWindow(head: part.head, row: row, key: key),
                        planes: shared.relative)
                    writeQueries(&w, part, buffers, tile)
                }
            }
            if part.mask == nil {
                let window = RelativeWindow(
                    head: part.head, row: w.roundUp(part.rows.count, to: tile.queries), key: key)
                finishDistances(&w, shared.relative, window, before: window.row, of: part.rows.count, keys)
            }
            for (sums, rows, factor) in [
                (AttentionArray.dk, turnedRows(&w, buffers.dk, token, part.head), kernel.attributes.scale),
                (.dv, headRows(&w, buffers.dv, token, part.head), 1 / (1 - kernel.attributes.rate)),
            ] {
                let target = OutputRows(rows: rows, element: kernel.element, count: keys)
                copyOut(&w, sums, to: target) { _, _ in v.float(factor) }
            }
        }
    }

    private func startKeys(
        _ w: inout FunctionWriter, _ part: Part, _ token: I64, _ keys: I64, _ column: I64
    ) {
        let key = turnedRows(&w, kernel.key, token, part.head)
        copyIn(&w, key, count: keys, rows: .key, pairs: .keyPairs)
        packPanels(&w, .key, .keyPanels, count: keys)
        copyIn(&w, headRows(&w, kernel.value, token, part.head), count: keys, rows: .value)
        packPanels(&w, .value, .valuePanels, count: keys)
        clearHistory(&w)
        if !knowsFirstTile {
            for sums in [AttentionArray.dk, .dv] {
                clear(&w, scratch(&w, sums), .f32, count: w.mul(keys, kernel.paddedSize))
            }
        }
        if hasDropout {
            keep.writeColumns(&w, terms: scratch(&w, .columnTerms), column: column, count: keys)
        }
    }

    private func writeQueries(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, _ tile: GradientTile
    ) {
        let keys = tile.keys
        let rows = w.min(w.sub(part.rows.count, tile.row), self.tile.queries)
        let token = w.add(part.rows.start, tile.row)
        let (query, dout) = (
            turnedRows(&w, kernel.query, token, part.head), headRows(&w, buffers.dout, token, part.head)
        )
        copyIn(&w, query, count: rows, rows: .query, pairs: .queryPairs)
        copyIn(&w, dout, count: rows, rows: .dout, pairs: .doutPairs)
        prefetch(&w, [tile.bias, tile.dbias], rows: rows)
        let panels = w.ceilDivide(keys, self.tile.columns)
        for (product, left, right, target) in [
            (scoreProduct, AttentionArray.query, AttentionArray.keyPanels, AttentionArray.scores),
            (probabilityGradientProduct, .dout, .valuePanels, .scoreGradients),
        ] {
            product.writePanels(
                &w,
                TileProduct.Operands(
                    left: scratch(&w, left), right: scratch(&w, right), target: scratch(&w, target),
                    rows: rows, depth: I64(kernel.depthWords)), count: panels)
        }
        startWindow(
            &w, tile.window, rows: rows, keys: keys, isFirst: isFirstOfBlock(&w, tile.row))
        advanceHistory(&w, rows: rows)
        let relative = writeContentScores(
            &w, queries: scratch(&w, .query), firstRow: 0, rows: rows, keys: keys)
        let vectors = columnVectors(&w, keys)
        excludeColumns(&w, rows: rows, from: keys)
        excludeMasked(&w, part, TilePlace(state: tile.state, row: 0), rows: rows, vectors: vectors)
        if hasDropout {
            let number = w.add(w.mul(token, kernel.heads), part.head)
            keep.write(
                &w,
                KeepTile.Rows(
                    terms: scratch(&w, .columnTerms), bits: scratch(&w, .keepBits), row: number, rows: rows,
                    count: keys))
        }
        let slopes = SlopeRows(
            token: token, rows: rows, columns: w.mul(vectors, self.tile.lanes),
            terms: AddedTerms(bias: tile.bias, relative: relative), dbias: tile.dbias)
        writeSlopes(&w, part, buffers, slopes)
        writeGradientProducts(&w, row: tile.row, rows: rows, keys: keys)
        addRelativeGradients(&w, part, tile, rows: rows)
        guard let isWhole = isOneTile(&w, part) else {
            return addToShare(&w, tile, token: token, head: part.head, rows: rows)
        }
        w.when(isWhole) { w in
            let own = turnedRows(&w, buffers.dq, token, part.head)
            writeQueryGradient(&w, to: OutputRows(rows: own, element: kernel.element, count: rows))
        } otherwise: { w in
            addToShare(&w, tile, token: token, head: part.head, rows: rows)
        }
    }

    /// What a tile gives to the terms of distances: at once where a mask may leave the next tile out.
    private func addRelativeGradients(
        _ w: inout FunctionWriter, _ part: Part, _ tile: GradientTile, rows: I64
    ) {
        addContentGradients(&w, tile.planes, tile.window, rows: rows, keys: tile.keys)
        let isAlone = part.mask != nil
        addPositionGradients(
            &w, tile.planes,
            FinishedDistances(
                window: tile.window, keys: tile.keys, rowsBefore: isAlone ? 0 : tile.row,
                rowCount: isAlone ? rows : part.rows.count))
        guard isAlone else { return }
        let next = RelativeWindow(
            head: part.head, row: w.add(tile.row, self.tile.queries), key: tile.window.key)
        finishDistances(&w, tile.planes, next, before: I64(self.tile.queries), of: rows, tile.keys)
        clearHistory(&w)
    }

    /// Whether one block of keys is all that there is of a sequence, so that dq is written at once; `nil` where the
    /// part's share always goes elsewhere, or is dq itself.
    func isOneTile(_ w: inout FunctionWriter, _ part: Part) -> I1? {
        guard knowsFirstTile, kernel.element != .f32 else { return nil }
        return w.compare(.sle, part.rows.count, I64(tile.keys))
    }

    /// Brings a tile's part of dQ to the part's share.
    private func addToShare(
        _ w: inout FunctionWriter, _ tile: GradientTile, token: I64, head: I64, rows: I64
    ) {
        let share = turned(
            &w, HeadRows(start: tokenRow(&w, tile.share, token, head), stride: tile.share.stride), token)
        w.when(tile.isFirst) { w in
            writeQueryGradient(&w, to: OutputRows(rows: share, element: .f32, count: rows))
        } otherwise: { w in
            writeQueryGradient(&w, to: OutputRows(rows: share, element: .f32, count: rows, adds: true))
        }
    }

    private func writeQueryGradient(_ w: inout FunctionWriter, to target: OutputRows) {
        copyOut(&w, .dq, to: target) { _, _ in v.float(kernel.attributes.scale) }
    }

    /// Adds a tile to dV and dK, and makes its part of dQ.
    private func writeGradientProducts(_ w: inout FunctionWriter, row: I64, rows: I64, keys: I64) {
        func write(_ w: inout FunctionWriter, _ product: TileProduct) {
            for (left, right, target) in [
                (AttentionArray.scores, AttentionArray.doutPairs, AttentionArray.dv),
                (.scoreGradients, .queryPairs, .dk),
            ] {
                product.write(
                    &w,
                    TileProduct.Operands(
                        left: scratch(&w, left), right: scratch(&w, right), target: scratch(&w, target),
                        rows: keys, depth: depthWords(&w, rows)),
                    columns: kernel.paddedSize)
            }
        }
        if let first = firstKeyGradientProduct {
            w.when(isFirstTile(&w, at: row)) { w in
                write(&w, first)
            } otherwise: { w in
                write(&w, keyGradientProduct)
            }
        } else {
            write(&w, keyGradientProduct)
        }
        queryGradientProduct.write(
            &w,
            TileProduct.Operands(
                left: scratch(&w, tile.isPaired ? .scoreGradientRows : .scoreGradients),
                right: scratch(&w, .keyPairs), target: scratch(&w, .dq), rows: rows,
                depth: depthWords(&w, keys)),
            columns: kernel.paddedSize)
    }

    /// Where a part's share of dq goes, f32: dq itself for the first part if that is f32, else a plane of `partial`.
    func share(_ w: inout FunctionWriter, of part: I64, dq: Int, partial: Int) -> TokenRows {
        let plane = w.mul(w.extent(kernel.tokens), tokenStride)
        guard kernel.element == .f32 else {
            let own = w.address(w.buffer(partial), .float, w.mul(part, plane))
            return TokenRows(start: own, element: .f32, stride: I64(tokenStride))
        }
        let own = w.max(w.sub(part, 1), 0)
        let shared = w.address(w.buffer(partial), .float, w.mul(own, plane))
        let isFirst = w.compare(.eq, part, 0)
        let start = w.select(isFirst, w.buffer(dq), shared)
        let isApart = kernel.rowStride(dq) != tokenStride
        let stride = isApart ? w.select(isFirst, rowStride(dq), I64(tokenStride)) : I64(tokenStride)
        return TokenRows(start: start, element: .f32, stride: stride)
    }

    /// Whether no earlier tile of this part has written the block's share of dq.
    private func isFirstTile(_ w: inout FunctionWriter, _ part: Part, row: I64, key: I64) -> I1 {
        guard let mask = part.mask else { return w.compare(.eq, key, part.from) }
        return w.not(mask.hasTiles(&w, row: row, from: part.from, to: key))
    }

    /// Zeroes the block's rows of dq, once, where the first part has no tile for them. Planes of `partial` may stay as
    /// they are: the sum leaves out what has no tile.
    private func clearUnwritten(
        _ w: inout FunctionWriter, _ part: Part, _ share: TokenRows, row: I64, key: I64
    ) {
        guard let mask = part.mask else { return }
        // Keys of the first part start at 0.
        let isStart = w.compare(.eq, key, 0)
        let hasTiles = mask.hasTiles(&w, row: row, from: part.from, to: part.to)
        w.when(w.and(isStart, w.not(hasTiles))) { w in
            let target = tokenRow(&w, share, w.add(part.rows.start, row), part.head)
            let rows = w.min(w.sub(part.rows.count, row), tile.queries)
            w.loop(from: 0, to: rows, by: 1) { w, index in
                let place = w.address(target, .float, w.mul(index, share.stride))
                clear(&w, place, .f32, count: I64(kernel.headSize))
            }
        }
    }
}
