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
        guard let gradient = kernel.biasGradient else { return writePart(&w, part(&w, task), buffers, nil) }
        let (group, head, number) = numbers(&w, task)
        let dbias = startBias(&w, gradient, group: group, head: head, part: number)
        w.loop(from: group, to: w.extent(kernel.sequences), by: gradient.groups) { w, sequence, _ in
            writePart(&w, part(&w, sequence: sequence, head: head, number: number), buffers, dbias)
            return []
        }
    }

    /// - Parameter dbias: where the gradient of the bias is added to.
    private func writePart(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, _ dbias: BiasRows?
    ) {
        forPadding(&w, part) { w, row in
            for buffer in [buffers.dq, buffers.dk, buffers.dv] {
                clear(&w, tokenRow(&w, buffer, row, part.head), kernel.element, count: "\(kernel.headSize)")
            }
        }
        let share = self.share(&w, of: part.number, dq: buffers.dq, partial: buffers.partial)
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
                    let biases = [part.bias, dbias].map {
                        $0?.tile(&w, query: row, key: key, keys: keys)
                    }
                    writeQueries(
                        &w, part, buffers, row: row, keys: keys, share: share, isFirst: isFirst, state: state,
                        bias: biases[0], dbias: biases[1])
                }
                return []
            }
            for (sums, buffer, factor) in [
                (AttentionArray.dk, buffers.dk, kernel.attributes.scale),
                (.dv, buffers.dv, 1 / (1 - kernel.attributes.rate)),
            ] {
                let target = tokenRow(&w, buffer, token, part.head)
                copyOut(&w, sums, target, kernel.element, count: keys) { _, _ in v.float(factor) }
            }
            return []
        }
    }

    private func startKeys(
        _ w: inout FunctionWriter, _ part: Part, _ token: String, _ keys: String, _ column: String
    ) {
        let key = tokenRow(&w, kernel.key, token, part.head)
        copyIn(&w, key, count: keys, rows: .key, pairs: .keyPairs)
        packPanels(&w, .key, .keyPanels, count: keys)
        copyIn(&w, tokenRow(&w, kernel.value, token, part.head), count: keys, rows: .value)
        packPanels(&w, .value, .valuePanels, count: keys)
        for sums in [AttentionArray.dk, .dv] {
            clear(&w, scratch(&w, sums), .f32, count: w.mul(keys, "\(kernel.paddedSize)"))
        }
        if hasDropout {
            keep.writeColumns(&w, terms: scratch(&w, .columnTerms), column: column, count: keys)
        }
    }

    /// One block of queries, from row `row` of the sequence on, against the block of keys.
    private func writeQueries(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, row: String, keys: String,
        share: String, isFirst: String, state: String?, bias: BiasTile?, dbias: BiasTile?
    ) {
        let rows = w.min(w.sub(part.rows.count, row), "\(tile.queries)")
        let token = w.add(part.rows.start, row)
        let (query, dout) = (
            tokenRow(&w, kernel.query, token, part.head), tokenRow(&w, buffers.dout, token, part.head)
        )
        copyIn(&w, query, count: rows, rows: .query, pairs: .queryPairs)
        copyIn(&w, dout, count: rows, rows: .dout, pairs: .doutPairs)
        prefetch(&w, [bias, dbias], rows: rows)
        let panels = w.ceilDivide(keys, tile.columns)
        for (product, left, right, target) in [
            (scoreProduct, AttentionArray.query, AttentionArray.keyPanels, AttentionArray.scores),
            (probabilityGradientProduct, .dout, .valuePanels, .scoreGradients),
        ] {
            product.writePanels(
                &w,
                TileProduct.Operands(
                    left: scratch(&w, left), right: scratch(&w, right), target: scratch(&w, target),
                    rows: rows, depth: "\(kernel.depthWords)"), count: panels)
        }
        let vectors = columnVectors(&w, keys)
        excludeColumns(&w, rows: rows, from: keys)
        excludeMasked(&w, part, TilePlace(state: state, row: "0"), rows: rows, vectors: vectors)
        if hasDropout {
            let number = w.add(w.mul(token, "\(kernel.heads)"), part.head)
            keep.write(
                &w, terms: scratch(&w, .columnTerms), bits: scratch(&w, .keepBits), row: number, rows: rows,
                count: keys)
        }
        writeSlopes(
            &w, part, buffers, token: token, rows: rows, columns: w.mul(vectors, "\(tile.lanes)"), bias: bias,
            dbias: dbias)
        for (left, right, target) in [
            (AttentionArray.scores, AttentionArray.doutPairs, AttentionArray.dv),
            (.scoreGradients, .queryPairs, .dk),
        ] {
            keyGradientProduct.write(
                &w,
                TileProduct.Operands(
                    left: scratch(&w, left), right: scratch(&w, right), target: scratch(&w, target),
                    rows: keys, depth: depthWords(&w, rows)),
                columns: kernel.paddedSize)
        }
        queryGradientProduct.write(
            &w,
            TileProduct.Operands(
                left: scratch(&w, tile.isPaired ? .scoreGradientRows : .scoreGradients),
                right: scratch(&w, .keyPairs), target: scratch(&w, .dq), rows: rows,
                depth: depthWords(&w, keys)),
            columns: kernel.paddedSize)
        let target = tokenRow(&w, share, .f32, token, part.head)
        let scale = v.float(kernel.attributes.scale)
        w.when(isFirst) { w in copyOut(&w, .dq, target, .f32, count: rows) { _, _ in scale } }
        w.when(w.value("xor i1 \(isFirst), true")) { w in
            copyOut(&w, .dq, target, .f32, count: rows, adds: true) { _, _ in scale }
        }
    }

    /// Where a part's share of dq goes, f32: dq itself for the first part if that is f32, else a plane of `partial`.
    private func share(_ w: inout FunctionWriter, of part: String, dq: Int, partial: Int) -> String {
        let plane = w.mul(w.extent(kernel.tokens), "\(tokenStride)")
        guard kernel.element == .f32 else {
            return w.address(w.buffer(partial), "float", w.mul(part, plane))
        }
        let own = w.max(w.sub(part, "1"), "0")
        let shared = w.address(w.buffer(partial), "float", w.mul(own, plane))
        let isFirst = w.value("icmp eq i64 \(part), 0")
        return w.value("select i1 \(isFirst), ptr \(w.buffer(dq)), ptr \(shared)")
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
            let target = tokenRow(&w, share, .f32, w.add(part.rows.start, row), part.head)
            let rows = w.min(w.sub(part.rows.count, row), "\(tile.queries)")
            w.loop(from: "0", to: rows, by: 1) { w, index, _ in
                let place = w.address(target, "float", w.mul(index, "\(tokenStride)"))
                clear(&w, place, .f32, count: "\(kernel.headSize)")
                return []
            }
        }
    }

    /// Turns scores into probabilities after dropout, and their gradients into those of the scores:
    /// P = 2^(S - lse log₂ e), dS = P (keep dP - delta).
    private func writeSlopes(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, token: String, rows: String,
        columns: String, bias: BiasTile?, dbias: BiasTile?
    ) {
        let whole = tile.isPaired ? w.value("and i64 \(rows), -2") : rows
        w.loop(from: "0", to: whole, by: tile.wordElements) { w, row, _ in
            writeSlopeRows(
                &w, part, buffers, token: token, row: row, count: tile.wordElements, columns: columns,
                bias: bias, dbias: dbias)
            return []
        }
        guard tile.isPaired else { return }
        w.when(w.value("icmp ne i64 \(whole), \(rows)")) { w in
            writeSlopeRows(
                &w, part, buffers, token: token, row: whole, count: 1, columns: columns, bias: bias,
                dbias: dbias)
        }
    }

    /// The rows of one word of the products' depth, or the first of them with zero in the place of the second.
    private func writeSlopeRows(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, token: String, row: String,
        count: Int, columns: String, bias: BiasTile?, dbias: BiasTile?
    ) {
        let (scores, slopes) = (scratch(&w, .scores), scratch(&w, .scoreGradients))
        let rows = (0..<count).map { index -> (row: String, shift: String, delta: String) in
            let row = w.add(row, "\(index)")
            let own = w.add(token, row)
            var lse = splatFloat(&w, tokenNumber(&w, buffers.lse, own, part.head))
            if mayExcludeAll {
                // A row without a key: its scores are -infinity too.
                let isEmpty = v.compareFloat(&w, "oeq", lse, v.float(-.infinity))
                lse = v.select(&w, isEmpty, .f32, v.float(0), lse)
            }
            let shift = v.op(&w, "fmul", lse, v.float(Self.log2e))
            return (row, shift, splatFloat(&w, tokenNumber(&w, buffers.delta, own, part.head)))
        }
        w.loop(from: "0", to: columns, by: tile.columns) { w, column, _ in
            for vector in 0..<2 {
                let column = w.add(column, "\(vector * tile.lanes)")
                let values = rows.map { row, shift, delta -> (kept: String, slope: String) in
                    var score = loadVector(&w, scoreAddress(&w, scores, row, column))
                    if let bias { score = addBias(&w, bias, row, column, to: score) }
                    let p = exp2(&w, v.op(&w, "fsub", score, shift))
                    var (kept, dp) = (p, loadVector(&w, scoreAddress(&w, slopes, row, column)))
                    if hasDropout {
                        let mask = keep.mask(&w, bits: scratch(&w, .keepBits), row: row, column: column)
                        kept = v.select(&w, mask, .f32, p, v.float(0))
                        dp = v.select(&w, mask, .f32, dp, v.float(0))
                    }
                    let slope = v.op(&w, "fmul", p, v.op(&w, "fsub", dp, delta))
                    if let dbias { addSlope(&w, slope, to: dbias, row, column) }
                    return (kept, slope)
                }
                let (place, slopePlace) = (
                    scoreAddress(&w, scores, row, column), scoreAddress(&w, slopes, row, column)
                )
                guard tile.isPaired else {
                    storeVector(&w, values[0].kept, place)
                    storeVector(&w, values[0].slope, slopePlace)
                    continue
                }
                storePair(&w, values.map { v.bf16Bits(&w, $0.kept) }, place)
                let slopeBits = values.map { v.bf16Bits(&w, $0.slope) }
                storePair(&w, slopeBits, slopePlace)
                for (bits, row) in zip(slopeBits, rows) {
                    let start = w.mul(row.row, "\(tile.keys)")
                    let place = w.address(scratch(&w, .scoreGradientRows), "i16", w.add(start, column))
                    v.storeStored(&w, .bf16, bits, place)
                }
            }
            return []
        }
    }

    /// Stores pairs of the bf16 elements of one row or two; the second row is 0 where there is one.
    private func storePair(_ w: inout FunctionWriter, _ bits: [String], _ place: String) {
        let second = bits.count == 2 ? bits[1] : "zeroinitializer"
        v.storeStored(&w, .i32, v.bf16Pairs(&w, lowBits: bits[0], highBits: second), place)
    }

    /// Adds the shares of dq in the order of the parts; one task a sequence and share of its rows.
    func writeSum(_ w: inout FunctionWriter, _ task: String, dq: Int, partial: Int) {
        let number = w.value("urem i64 \(task), \(kernel.parts)")
        let sequence = w.value("udiv i64 \(task), \(kernel.parts)")
        let part = part(&w, sequence: sequence, head: "0", number: number)
        let first = w.mul(w.add(part.rows.start, part.from), "\(tokenStride)")
        let count = w.mul(w.sub(part.to, part.from), "\(tokenStride)")
        let total = share(&w, of: "0", dq: dq, partial: partial)
        w.loop(from: "1", to: part.count, by: 1) { w, other, _ in
            let source = share(&w, of: other, dq: dq, partial: partial)
            if let table = kernel.maskTable {
                writeMaskedSum(&w, part, table: table, of: other, from: source, to: total)
            } else {
                addElements(
                    &w, w.address(source, "float", first), to: w.address(total, "float", first), count: count)
            }
            return []
        }
        guard kernel.element != .f32 else { return }
        let target = w.address(w.buffer(dq), VectorWriter.storageName(kernel.element), first)
        forVectors(&w, count: count) { w, index, mask in
            let sum = loadVector(&w, w.address(w.address(total, "float", first), "float", index), mask: mask)
            let place = w.address(target, VectorWriter.storageName(kernel.element), index)
            v.store(&w, kernel.element, sum, place, mask: mask)
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
    func addElements(_ w: inout FunctionWriter, _ source: String, to target: String, count: String) {
        forVectors(&w, count: count) { w, index, mask in
            let place = w.address(target, "float", index)
            let share = loadVector(&w, w.address(source, "float", index), mask: mask)
            let sum = v.op(&w, "fadd", loadVector(&w, place, mask: mask), share)
            storeVector(&w, sum, place, mask: mask)
        }
    }

    private func forVectors(
        _ w: inout FunctionWriter, count: String,
        _ body: (inout FunctionWriter, _ index: String, _ mask: String) -> Void
    ) {
        w.loop(from: "0", to: count, by: tile.lanes) { w, index, _ in
            body(&w, index, v.mask(&w, below: w.min(w.sub(count, index), "\(tile.lanes)")))
            return []
        }
    }
}
