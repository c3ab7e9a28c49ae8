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
    func writeGradient(_ w: inout FunctionWriter, _ task: String, _ buffers: GradientBuffers) {
        let part = part(&w, task)
        forPadding(&w, part) { w, row in
            for buffer in [buffers.dq, buffers.dk, buffers.dv] {
                clear(&w, tokenRow(&w, buffer, row, part.head), count: "\(kernel.headSize)")
            }
        }
        // Where this part's share of dq goes: dq itself, or a plane of `partial`.
        let isFirstPart = w.value("icmp eq i64 \(part.number), 0")
        let plane = w.mul(w.extent(kernel.tokens), "\(tokenStride)")
        let own = w.max(w.sub(part.number, "1"), "0")
        let shared = w.address(w.buffer(buffers.partial), "float", w.mul(own, plane))
        let share = w.value("select i1 \(isFirstPart), ptr \(w.buffer(buffers.dq)), ptr \(shared)")
        w.loop(from: part.from, to: part.to, by: tile.keys) { w, key, _ in
            let keys = w.min(w.sub(part.to, key), "\(tile.keys)")
            let token = w.add(part.rows.start, key)
            startKeys(&w, part, token, keys, key)
            w.loop(from: "0", to: part.rows.count, by: tile.queries) { w, row, _ in
                whenTile(
                    &w, part, row: row, key: key,
                    otherwise: { w in clearUnwritten(&w, part, share, row: row, key: key) }
                ) { w, state in
                    let isFirst = isFirstTile(&w, part, row: row, key: key)
                    writeQueries(
                        &w, part, buffers, row: row, keys: keys, share: share, isFirst: isFirst, state: state)
                }
                return []
            }
            // Queries were scaled by scale log₂ e: a factor of ln 2 is left.
            copyOut(&w, scratch(&w, .dk), tokenRow(&w, buffers.dk, token, part.head), count: keys) { _, _ in
                v.float(Self.ln2)
            }
            copyOut(&w, scratch(&w, .dv), tokenRow(&w, buffers.dv, token, part.head), count: keys) { _, _ in
                v.float(1)
            }
            return []
        }
    }

    private func startKeys(
        _ w: inout FunctionWriter, _ part: Part, _ token: String, _ keys: String, _ key: String
    ) {
        let source = tokenRow(&w, kernel.key, token, part.head)
        packPanels(&w, source, scratch(&w, .keyPanels), count: keys)
        copyIn(&w, source, scratch(&w, .key), count: keys)
        packPanels(&w, tokenRow(&w, kernel.value, token, part.head), scratch(&w, .valuePanels), count: keys)
        for sums in [AttentionArray.dk, .dv] {
            clear(&w, scratch(&w, sums), count: w.mul(keys, "\(kernel.paddedSize)"))
        }
        if hasDropout {
            keep.writeColumns(
                &w, terms: scratch(&w, .columnTerms), column: key, vectors: columnVectors(&w, keys))
        }
    }

    /// One block of queries, from row `row` of the sequence on, against the block of keys.
    private func writeQueries(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, row: String, keys: String,
        share: String, isFirst: String, state: String?
    ) {
        let rows = w.min(w.sub(part.rows.count, row), "\(tile.queries)")
        let token = w.add(part.rows.start, row)
        let (query, dout) = (scratch(&w, .query), scratch(&w, .dout))
        let (scores, slopes) = (scratch(&w, .scores), scratch(&w, .scoreGradients))
        copyIn(
            &w, tokenRow(&w, kernel.query, token, part.head), query, count: rows,
            factor: kernel.attributes.scale * Self.log2e)
        copyIn(
            &w, tokenRow(&w, buffers.dout, token, part.head), dout, count: rows,
            factor: 1 / (1 - kernel.attributes.rate))
        let panels = w.ceilDivide(keys, tile.columns)
        for (left, right, target) in [
            (query, AttentionArray.keyPanels, scores), (dout, .valuePanels, slopes),
        ] {
            scoreProduct.writePanels(
                &w,
                TileProduct.Operands(
                    left: left, right: scratch(&w, right), target: target, rows: rows,
                    depth: "\(kernel.headSize)"), count: panels)
        }
        let vectors = columnVectors(&w, keys)
        excludeColumns(&w, rows: rows, from: keys)
        excludeMasked(&w, part, state, rows: rows, vectors: vectors)
        if hasDropout {
            let number = w.add(w.mul(token, "\(kernel.heads)"), part.head)
            keep.write(
                &w, terms: scratch(&w, .columnTerms), bits: scratch(&w, .keepBits), row: number, rows: rows,
                vectors: vectors)
        }
        writeSlopes(&w, part, buffers, token: token, rows: rows, columns: w.mul(vectors, "\(tile.lanes)"))
        for (left, right, target) in [(scores, dout, AttentionArray.dv), (slopes, query, .dk)] {
            keyGradientProduct.write(
                &w,
                TileProduct.Operands(
                    left: left, right: right, target: scratch(&w, target), rows: keys, depth: rows),
                columns: kernel.paddedSize)
        }
        let dq = scratch(&w, .dq)
        queryGradientProduct.write(
            &w,
            TileProduct.Operands(left: slopes, right: scratch(&w, .key), target: dq, rows: rows, depth: keys),
            columns: kernel.paddedSize)
        let target = shareRow(&w, part, share, token: token)
        let scale = v.float(kernel.attributes.scale)
        w.when(isFirst) { w in copyOut(&w, dq, target, count: rows) { _, _ in scale } }
        w.when(w.value("xor i1 \(isFirst), true")) { w in
            copyOut(&w, dq, target, count: rows, adds: true) { _, _ in scale }
        }
    }

    /// The row of `token` of this part's share of dq.
    private func shareRow(
        _ w: inout FunctionWriter, _ part: Part, _ share: String, token: String
    ) -> String {
        let element = w.add(w.mul(token, "\(tokenStride)"), w.mul(part.head, "\(kernel.headSize)"))
        return w.address(share, "float", element)
    }

    /// Whether no earlier tile of this part has written the block's share of dq.
    private func isFirstTile(_ w: inout FunctionWriter, _ part: Part, row: String, key: String) -> String {
        guard let mask = part.mask else { return w.value("icmp eq i64 \(key), \(part.from)") }
        return w.value("xor i1 \(mask.hasTiles(&w, row: row, from: part.from, to: key)), true")
    }

    /// Zeroes the block's rows of dq, once, where the first part has no tile for them. Planes of `partial` may stay as
    /// they are: the sum leaves out what has no tile.
    private func clearUnwritten(
        _ w: inout FunctionWriter, _ part: Part, _ share: String, row: String, key: String
    ) {
        guard let mask = part.mask else { return }
        // Keys of the first part start at 0.
        let isStart = w.value("icmp eq i64 \(key), 0")
        let hasTiles = mask.hasTiles(&w, row: row, from: part.from, to: part.to)
        w.when(w.value("and i1 \(isStart), \(w.value("xor i1 \(hasTiles), true"))")) { w in
            let target = shareRow(&w, part, share, token: w.add(part.rows.start, row))
            let rows = w.min(w.sub(part.rows.count, row), "\(tile.queries)")
            w.loop(from: "0", to: rows, by: 1) { w, index, _ in
                let place = w.address(target, "float", w.mul(index, "\(tokenStride)"))
                clear(&w, place, count: "\(kernel.headSize)")
                return []
            }
        }
    }

    /// Turns scores into probabilities after dropout, and their gradients into those of the scores:
    /// P = 2^(S - lse log₂ e), dS = P (keep dP - delta).
    private func writeSlopes(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, token: String, rows: String,
        columns: String
    ) {
        let (scores, slopes) = (scratch(&w, .scores), scratch(&w, .scoreGradients))
        w.loop(from: "0", to: rows, by: 1) { w, row, _ in
            let own = w.add(token, row)
            var lse = splatFloat(&w, tokenNumber(&w, buffers.lse, own, part.head))
            if kernel.maskTable != nil {
                // A row without a key: its scores are -infinity too.
                let isEmpty = v.compareFloat(&w, "oeq", lse, v.float(-.infinity))
                lse = v.select(&w, isEmpty, .f32, v.float(0), lse)
            }
            let shift = v.op(&w, "fmul", lse, v.float(Self.log2e))
            let delta = splatFloat(&w, tokenNumber(&w, buffers.delta, own, part.head))
            w.loop(from: "0", to: columns, by: tile.columns) { w, column, _ in
                for index in 0..<2 {
                    let own = w.add(column, "\(index * tile.lanes)")
                    let place = scoreAddress(&w, scores, row, own)
                    let slopePlace = scoreAddress(&w, slopes, row, own)
                    let p = v.exp2(&w, v.op(&w, "fsub", loadVector(&w, place), shift))
                    var (kept, dp) = (p, loadVector(&w, slopePlace))
                    if hasDropout {
                        let mask = keep.mask(&w, bits: scratch(&w, .keepBits), row: row, column: own)
                        kept = v.select(&w, mask, .f32, p, v.float(0))
                        dp = v.select(&w, mask, .f32, dp, v.float(0))
                    }
                    storeVector(&w, kept, place)
                    storeVector(&w, v.op(&w, "fmul", p, v.op(&w, "fsub", dp, delta)), slopePlace)
                }
                return []
            }
            return []
        }
    }

    /// Adds the planes of `partial` to dq in the order of the parts; one task a sequence and share of its rows.
    func writeSum(_ w: inout FunctionWriter, _ task: String, dq: Int, partial: Int) {
        let number = w.value("urem i64 \(task), \(kernel.parts)")
        let sequence = w.value("udiv i64 \(task), \(kernel.parts)")
        let part = part(&w, sequence: sequence, head: "0", number: number)
        let plane = w.mul(w.extent(kernel.tokens), "\(tokenStride)")
        w.loop(from: "1", to: part.count, by: 1) { w, other, _ in
            let offset = w.mul(w.sub(other, "1"), plane)
            let source = w.address(w.buffer(partial), "float", offset)
            if let table = kernel.maskTable {
                writeMaskedSum(&w, part, table: table, of: other, from: source, to: w.buffer(dq))
            } else {
                let first = w.mul(w.add(part.rows.start, part.from), "\(tokenStride)")
                let count = w.mul(w.sub(part.to, part.from), "\(tokenStride)")
                addElements(
                    &w, w.address(source, "float", first), to: w.address(w.buffer(dq), "float", first),
                    count: count)
            }
            return []
        }
    }

    /// Adds the plane of part `other` where the mask gave it a tile.
    private func writeMaskedSum(
        _ w: inout FunctionWriter, _ part: Part, table: Int, of other: String, from source: String,
        to target: String
    ) {
        let keys = w.mul(other, part.size)
        let end = w.min(w.add(keys, part.size), part.rows.count)
        w.loop(from: "0", to: "\(kernel.heads)", by: 1) { w, head, _ in
            let mask = MaskGrid(&w, table: w.buffer(table), head: head, tile: tile)
            w.loop(from: part.from, to: part.to, by: tile.queries) { w, row, _ in
                w.when(mask.hasTiles(&w, row: row, from: keys, to: end)) { w in
                    let rows = w.min(w.sub(part.to, row), "\(tile.queries)")
                    w.loop(from: "0", to: rows, by: 1) { w, index, _ in
                        let token = w.add(w.add(part.rows.start, row), index)
                        let element = w.add(
                            w.mul(token, "\(tokenStride)"), w.mul(head, "\(kernel.headSize)"))
                        addElements(
                            &w, w.address(source, "float", element), to: w.address(target, "float", element),
                            count: "\(kernel.headSize)")
                        return []
                    }
                }
                return []
            }
            return []
        }
    }

    /// `target[index] += source[index]` below `count`.
    private func addElements(_ w: inout FunctionWriter, _ source: String, to target: String, count: String) {
        w.loop(from: "0", to: count, by: tile.lanes) { w, index, _ in
            let rest = w.value("trunc i64 \(w.min(w.sub(count, index), "\(tile.lanes)")) to i32")
            let mask = w.value("icmp slt \(v.name(.i32)) \(v.laneNumbers), \(v.splat(&w, rest, "i32"))")
            let place = w.address(target, "float", index)
            let share = loadVector(&w, w.address(source, "float", index), mask: mask)
            let sum = v.op(&w, "fadd", loadVector(&w, place, mask: mask), share)
            storeVector(&w, sum, place, mask: mask)
            return []
        }
    }
}
