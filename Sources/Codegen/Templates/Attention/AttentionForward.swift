import GraphIR
import KernelIR

// The forward step: online softmax (Milakov & Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135).

extension AttentionTemplate {
    /// Rows of a tile of scores: the part's rows in scratch memory begin at row `start` of the sequence, and these at
    /// their row `row`.
    private struct TileRows {
        let start: I64
        let row: I64
        let count: I64
        let place: TilePlace
        /// Whether no keys came before.
        let isFirst: I1
    }

    func writeForward(_ w: inout FunctionWriter, _ task: I64, out: Int, lse: Int) {
        let part = part(&w, task)
        forPadding(&w, part) { w, row in
            clear(&w, tokenRow(&w, out, row, part.head), kernel.element, count: I64(kernel.headSize))
            w.store(F32(-.infinity), tokenNumber(&w, lse, row, part.head))
        }
        w.loop(from: part.from, to: part.to, by: tile.partRows) { w, first in
            let rows = RowRange(from: first, count: w.min(w.sub(part.to, first), tile.partRows))
            let token = w.add(part.rows.start, first)
            startRows(&w, part, token, rows.count)
            w.loop(from: 0, to: part.rows.count, by: tile.keys) { w, key in
                whenTiles(&w, part, rows, key: key) { w in writeKeys(&w, part, rows, key: key) }
            }
            finishRows(&w, part, token, rows.count, out: out, lse: lse)
        }
    }

    /// Copies the queries. Where the first keys are not known: no result, the least maximum, sum 0.
    private func startRows(_ w: inout FunctionWriter, _ part: Part, _ token: I64, _ count: I64) {
        copyIn(&w, turnedRows(&w, kernel.query, token, part.head), count: count, rows: .query)
        guard !knowsFirstTile else { return }
        clear(&w, scratch(&w, .out), .f32, count: w.mul(count, kernel.paddedSize))
        clear(&w, scratch(&w, .sum), .f32, count: w.mul(count, tile.lanes))
        let maximum = scratch(&w, .maximum)
        w.loop(from: 0, to: count, by: tile.lanes) { w, row in
            storeVector(&w, v.float(leastMaximum), w.address(maximum, .float, row))
        }
    }

    /// What rows start from. It is finite where a tile may have no key for a row: all scores are -infinity then, and
    /// so are their differences.
    private var leastMaximum: Double {
        mayExcludeAll ? -Double(Float.greatestFiniteMagnitude) : -.infinity
    }

    /// Some rows against the block of keys from `key` on.
    private func writeKeys(_ w: inout FunctionWriter, _ part: Part, _ rows: RowRange, key: I64) {
        let keys = RowRange(from: key, count: w.min(w.sub(part.rows.count, key), tile.keys))
        let keyToken = w.add(part.rows.start, key)
        copyIn(&w, turnedRows(&w, kernel.key, keyToken, part.head), count: keys.count, rows: .key)
        packPanels(&w, .key, .keyPanels, count: keys.count)
        copyIn(&w, headRows(&w, kernel.value, keyToken, part.head), count: keys.count, pairs: .valuePairs)
        if hasDropout {
            keep.writeColumns(&w, terms: scratch(&w, .columnTerms), column: key, count: keys.count)
        }
        let isFirst = isFirstTile(&w, at: key)
        w.loop(from: 0, to: rows.count, by: tile.queries) { w, row in
            whenTile(&w, part, row: w.add(rows.from, row), key: key) { w, state in
                let tileRows = w.min(w.sub(rows.count, row), tile.queries)
                startWindow(
                    &w, RelativeWindow(head: part.head, row: w.add(rows.from, row), key: key),
                    rows: tileRows, keys: keys.count, isFirst: isFirstOfBlock(&w, row))
                w.loop(from: 0, to: tileRows, by: tile.forwardRows) { w, inner in
                    let count = w.min(w.sub(tileRows, inner), tile.forwardRows)
                    let some = TileRows(
                        start: rows.from, row: w.add(row, inner), count: count,
                        place: TilePlace(state: state, row: inner), isFirst: isFirst)
                    writeRows(&w, part, some, keys)
                }
            }
        }
    }

    /// Whether no tile of the block of keys came before the one that starts at this row of the part.
    func isFirstOfBlock(_ w: inout FunctionWriter, _ row: I64) -> I1 {
        // A mask may have left tiles out.
        kernel.maskTable == nil ? w.compare(.eq, row, 0) : true
    }

    /// Some rows of a tile of scores: few at a time, so that their scores stay in the level-1 cache.
    private func writeRows(_ w: inout FunctionWriter, _ part: Part, _ rows: TileRows, _ keys: RowRange) {
        let row = rows.row
        let bias = part.bias?.tile(&w, query: w.add(rows.start, row), key: keys.from, keys: keys.count)
        prefetch(&w, [bias], rows: rows.count)
        let vectors = columnVectors(&w, keys.count)
        let scores = scratch(&w, .scores)
        let queries = w.address(scratch(&w, .query), .float, w.mul(row, kernel.rowWords))
        scoreProduct.writePanels(
            &w,
            TileProduct.Operands(
                left: queries, right: scratch(&w, .keyPanels), target: scores, rows: rows.count,
                depth: I64(kernel.depthWords)),
            count: w.ceilDivide(keys.count, tile.columns))
        excludeColumns(&w, rows: rows.count, from: keys.count)
        excludeMasked(&w, part, rows.place, rows: rows.count, vectors: vectors)
        if hasDropout {
            let token = w.add(w.add(part.rows.start, rows.start), row)
            keep.write(
                &w,
                KeepTile.Rows(
                    terms: scratch(&w, .columnTerms), bits: scratch(&w, .keepBits),
                    row: w.add(w.mul(token, kernel.heads), part.head), rows: rows.count, count: keys.count))
        }
        let relative = writeContentScores(
            &w, queries: queries, firstRow: rows.place.row, rows: rows.count, keys: keys.count)
        writeSoftmax(
            &w, rows, columns: w.mul(vectors, tile.lanes), AddedTerms(bias: bias, relative: relative))
        let context = TileProduct.Operands(
            left: scores, right: scratch(&w, .valuePairs),
            target: w.address(scratch(&w, .out), .float, w.mul(row, kernel.paddedSize)),
            rows: rows.count, depth: depthWords(&w, keys.count), factors: scratch(&w, .correction))
        if let first = firstContextProduct {
            w.when(rows.isFirst) { w in
                first.write(&w, context, columns: kernel.paddedSize)
            } otherwise: { w in
                contextProduct.write(&w, context, columns: kernel.paddedSize)
            }
        } else {
            contextProduct.write(&w, context, columns: kernel.paddedSize)
        }
    }

    /// Adds the terms to a tile of scores and turns them into exp(S - maximum), and brings the rows' maximum and sum up
    /// to date.
    private func writeSoftmax(
        _ w: inout FunctionWriter, _ rows: TileRows, columns: I64, _ terms: AddedTerms
    ) {
        let scores = scratch(&w, .scores)
        let maximum = w.address(scratch(&w, .maximum), .float, rows.row)
        let sums = w.address(scratch(&w, .sum), .float, w.mul(rows.row, tile.lanes))
        let tileMaximum = w.select(rows.isFirst, maximum, scratch(&w, .tileMaximum))
        w.loop(from: 0, to: rows.count, by: 1) { w, row in
            let largest = largestScores(&w, scores, row, columns: columns, terms)
            w.store(w.first(largest), w.address(tileMaximum, .float, row))
        }
        w.when(w.not(rows.isFirst)) { w in raiseMaximum(&w, rows.count, maximum) }
        w.loop(from: 0, to: rows.count, by: 1) { w, row in
            let top = splatFloat(&w, w.address(maximum, .float, row))
            let sum = w.address(sums, .float, w.mul(row, tile.lanes))
            let correction = splatFloat(&w, w.address(scratch(&w, .correction), .float, row))
            let before = w.select(rows.isFirst, v.float(0), w.fmul(loadVector(&w, sum), correction))
            let totals = w.loop(from: 0, to: columns, by: tile.columns, carrying: [before, v.float(0)]) {
                w, column, carried in
                (0..<2).map { index in
                    let own = w.add(column, index * tile.lanes)
                    let p = writeProbabilities(&w, scores, row, own, top: top)
                    return w.fadd(carried[index], p)
                }
            }
            storeVector(&w, w.fadd(totals[0], totals[1]), sum)
        }
    }

    /// Raises the rows' maximum to that of their tile: correction = 2^(old maximum - new maximum), many rows at a time.
    private func raiseMaximum(_ w: inout FunctionWriter, _ rows: I64, _ maximum: Pointer) {
        let (tileMaximum, corrections) = (scratch(&w, .tileMaximum), scratch(&w, .correction))
        w.loop(from: 0, to: rows, by: tile.lanes) { w, row in
            let old = loadVector(&w, w.address(maximum, .float, row))
            let new = v.larger(&w, loadVector(&w, w.address(tileMaximum, .float, row)), old)
            let correction = v.exp2(&w, w.fsub(old, new))
            storeVector(&w, new, w.address(maximum, .float, row))
            storeVector(&w, correction, w.address(corrections, .float, row))
        }
    }

    /// The maximum of a row's scores, or the least one, in every lane; adds the terms to them on the way.
    private func largestScores(
        _ w: inout FunctionWriter, _ scores: Pointer, _ row: I64, columns: I64, _ terms: AddedTerms
    ) -> Vector<F32> {
        let start = v.float(leastMaximum)
        let largest = w.loop(from: 0, to: columns, by: tile.columns, carrying: [start, start]) {
            w, column, carried in
            (0..<2).map { index in
                let own = w.add(column, index * tile.lanes)
                let place = scoreAddress(&w, scores, row, own)
                var score = loadVector(&w, place)
                if !terms.isEmpty {
                    score = addTerms(&w, terms, row, own, to: score)
                    storeVector(&w, score, place)
                }
                return v.larger(&w, score, carried[index])
            }
        }
        return horizontalMaximum(&w, v.larger(&w, largest[0], largest[1]))
    }

    /// Turns a vector of scores into 2^(S - top), and stores what dropout leaves of it.
    private func writeProbabilities(
        _ w: inout FunctionWriter, _ scores: Pointer, _ row: I64, _ column: I64, top: Vector<F32>
    ) -> Vector<F32> {
        let place = scoreAddress(&w, scores, row, column)
        let p = exp2(&w, w.fsub(loadVector(&w, place), top))
        var kept = p
        if hasDropout {
            let mask = keep.mask(&w, bits: scratch(&w, .keepBits), row: row, column: column)
            kept = w.select(mask, p, v.float(0))
        }
        if tile.isPaired {
            let line = w.address(scores, .float, w.mul(row, tile.keys))
            v.store(&w, kept, as: .bf16, w.address(line, .i16, column))
        } else {
            storeVector(&w, kept, place)
        }
        return p
    }

    /// out = O / ((1 - rate) sum), lse = maximum ln 2 + log sum; 0 and -infinity for a row without a key.
    private func finishRows(
        _ w: inout FunctionWriter, _ part: Part, _ token: I64, _ count: I64, out: Int, lse: Int
    ) {
        let (maximum, sum) = (scratch(&w, .maximum), scratch(&w, .sum))
        let target = OutputRows(
            rows: headRows(&w, out, token, part.head), element: kernel.element, count: count)
        copyOut(&w, .out, to: target) { w, row in
            let total = w.sum(loadVector(&w, w.address(sum, .float, w.mul(row, tile.lanes))))
            // Takes a place of which the sum has been read.
            w.store(total, w.address(sum, .float, row))
            let factor = w.fdiv(F32(1 / (1 - kernel.attributes.rate)), total)
            guard mayExcludeAll else { return v.splat(&w, factor) }
            let isEmpty = w.compare(.oeq, total, F32(0))
            return v.splat(&w, w.select(isEmpty, F32(0), factor))
        }
        w.loop(from: 0, to: count, by: tile.lanes) { w, row in
            let place = w.address(maximum, .float, row)
            let total = loadVector(&w, w.address(sum, .float, row))
            var lse = w.fma(loadVector(&w, place), v.float(Self.ln2), v.log(&w, total))
            if mayExcludeAll {
                let isEmpty = w.compare(.oeq, total, v.float(0))
                lse = w.select(isEmpty, v.float(-.infinity), lse)
            }
            storeVector(&w, lse, place)
        }
        w.loop(from: 0, to: count, by: 1) { w, row in
            let value = w.load(F32.self, w.address(maximum, .float, row))
            w.store(value, tokenNumber(&w, lse, w.add(token, row), part.head))
        }
    }
}
