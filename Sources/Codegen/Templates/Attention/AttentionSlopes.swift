import GraphIR
import KernelIR

// The gradient step's middle: from scores to the gradients of the scores.

extension AttentionTemplate {
    /// The rows of a tile whose scores become gradients.
    struct SlopeRows {
        let token: I64
        let rows: I64
        let columns: I64
        let terms: AddedTerms
        let dbias: BiasTile?
    }

    /// Turns scores into probabilities after dropout, and their gradients into those of the scores:
    /// P = 2^(S - lse log₂ e), dS = P (keep dP - delta).
    func writeSlopes(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, _ slopes: SlopeRows
    ) {
        let rows = slopes.rows
        let whole = tile.isPaired ? w.and(rows, -2) : rows
        w.loop(from: 0, to: whole, by: tile.wordElements) { w, row in
            writeSlopeRows(&w, part, buffers, slopes, row: row, count: tile.wordElements)
        }
        guard tile.isPaired else { return }
        w.when(w.compare(.ne, whole, rows)) { w in
            writeSlopeRows(&w, part, buffers, slopes, row: whole, count: 1)
        }
    }

    /// The rows of one word of the products' depth, or the first of them with zero in the place of the second.
    private func writeSlopeRows(
        _ w: inout FunctionWriter, _ part: Part, _ buffers: GradientBuffers, _ tile: SlopeRows, row: I64,
        count: Int
    ) {
        let places = (scores: scratch(&w, .scores), slopes: scratch(&w, .scoreGradients))
        let rows = (0..<count).map { index -> SlopeRow in
            let row = w.add(row, index)
            let own = w.add(tile.token, row)
            var lse = splatFloat(&w, tokenNumber(&w, buffers.lse, own, part.head))
            if mayExcludeAll {
                // A row without a key: its scores are -infinity too.
                let isEmpty = w.compare(.oeq, lse, v.float(-.infinity))
                lse = w.select(isEmpty, v.float(0), lse)
            }
            let shift = w.fmul(lse, v.float(Self.log2e))
            let delta = splatFloat(&w, tokenNumber(&w, buffers.delta, own, part.head))
            return SlopeRow(
                row: row, scores: places.scores, slopes: places.slopes, shift: shift, delta: delta)
        }
        w.loop(from: 0, to: tile.columns, by: self.tile.columns) { w, column in
            for vector in 0..<2 {
                let column = w.add(column, vector * self.tile.lanes)
                let values = rows.map { slopes(&w, $0, column, tile.terms, dbias: tile.dbias) }
                let (place, slopePlace) = (
                    scoreAddress(&w, places.scores, row, column), scoreAddress(&w, places.slopes, row, column)
                )
                guard self.tile.isPaired else {
                    storeVector(&w, values[0].kept, place)
                    storeVector(&w, values[0].slope, slopePlace)
                    continue
                }
                storePair(&w, values.map { v.bf16Bits(&w, $0.kept) }, place)
                let slopeBits = values.map { v.bf16Bits(&w, $0.slope) }
                storePair(&w, slopeBits, slopePlace)
                for (bits, row) in zip(slopeBits, rows) {
                    let start = w.mul(row.row, self.tile.keys)
                    v.store(&w, bits, w.address(scratch(&w, .scoreGradientRows), .i16, w.add(start, column)))
                }
            }
        }
    }

    /// One row of a tile of scores and of their gradients, with what is the same in all of its columns.
    private struct SlopeRow {
        let row: I64
        let scores: Pointer
        let slopes: Pointer
        /// lse log₂ e
        let shift: Vector<F32>
        let delta: Vector<F32>
    }

    /// A vector of one row: the probabilities after dropout, and the gradients of the scores.
    private func slopes(
        _ w: inout FunctionWriter, _ row: SlopeRow, _ column: I64, _ terms: AddedTerms, dbias: BiasTile?
    ) -> (kept: Vector<F32>, slope: Vector<F32>) {
        var score = loadVector(&w, scoreAddress(&w, row.scores, row.row, column))
        score = addTerms(&w, terms, row.row, column, to: score)
        let p = exp2(&w, w.fsub(score, row.shift))
        var (kept, dp) = (p, loadVector(&w, scoreAddress(&w, row.slopes, row.row, column)))
        if hasDropout {
            let mask = keep.mask(&w, bits: scratch(&w, .keepBits), row: row.row, column: column)
            kept = w.select(mask, p, v.float(0))
            dp = w.select(mask, dp, v.float(0))
        }
        let slope = w.fmul(p, w.fsub(dp, row.delta))
        if let dbias { addSlope(&w, slope, to: dbias, row.row, column) }
        if kernel.relative != nil { storeVector(&w, slope, historyAddress(&w, row.row, column)) }
        return (kept, slope)
    }

    /// Stores pairs of the bf16 elements of one row or two; the second row is 0 where there is one.
    func storePair(_ w: inout FunctionWriter, _ bits: [Vector<I16>], _ place: Pointer) {
        let second = bits.count == 2 ? bits[1] : v.zero()
        v.store(&w, v.bf16Pairs(&w, low: bits[0], high: second), place)
    }
}
