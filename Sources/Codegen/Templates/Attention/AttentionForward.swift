import GraphIR
import KernelIR

// The forward step: online softmax (Milakov & Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135).

extension AttentionTemplate {
    func writeForward(_ w: inout FunctionWriter, _ task: String, out: Int, lse: Int) {
        let part = part(&w, task)
        forPadding(&w, part) { w, row in
            clear(&w, tokenRow(&w, out, row, part.head), kernel.element, count: "\(kernel.headSize)")
            let place = tokenNumber(&w, lse, row, part.head)
            w.line("store float \(floatConstant(-.infinity)), ptr \(place), align 4")
        }
        w.loop(from: part.from, to: part.to, by: tile.partRows) { w, first, _ in
            let count = w.min(w.sub(part.to, first), "\(tile.partRows)")
            let token = w.add(part.rows.start, first)
            startRows(&w, part, token, count)
            w.loop(from: "0", to: part.rows.count, by: tile.keys) { w, key, _ in
                whenTiles(&w, part, first: first, count: count, key: key) { w in
                    writeKeys(&w, part, first: first, count: count, key: key)
                }
                return []
            }
            finishRows(&w, part, token, count, out: out, lse: lse)
            return []
        }
    }

    /// Copies the queries; no result, the least maximum, sum 0.
    private func startRows(_ w: inout FunctionWriter, _ part: Part, _ token: String, _ count: String) {
        copyIn(&w, tokenRow(&w, kernel.query, token, part.head), count: count, rows: .query)
        clear(&w, scratch(&w, .out), .f32, count: w.mul(count, "\(kernel.paddedSize)"))
        clear(&w, scratch(&w, .sum), .f32, count: w.mul(count, "\(tile.lanes)"))
        let maximum = scratch(&w, .maximum)
        w.loop(from: "0", to: count, by: tile.lanes) { w, row, _ in
            storeVector(&w, v.float(leastMaximum), w.address(maximum, "float", row))
            return []
        }
    }

    /// What rows start from. It is finite where a tile may have no key for a row: all scores are -infinity then, and
    /// so are their differences.
    private var leastMaximum: Double {
        mayExcludeAll ? -Double(Float.greatestFiniteMagnitude) : -.infinity
    }

    /// `count` rows from `first` on against one block of keys.
    private func writeKeys(
        _ w: inout FunctionWriter, _ part: Part, first: String, count: String, key: String
    ) {
        let keys = w.min(w.sub(part.rows.count, key), "\(tile.keys)")
        let keyToken = w.add(part.rows.start, key)
        copyIn(&w, tokenRow(&w, kernel.key, keyToken, part.head), count: keys, rows: .key)
        packPanels(&w, .key, .keyPanels, count: keys)
        copyIn(&w, tokenRow(&w, kernel.value, keyToken, part.head), count: keys, pairs: .valuePairs)
        if hasDropout {
            keep.writeColumns(&w, terms: scratch(&w, .columnTerms), column: key, count: keys)
        }
        w.loop(from: "0", to: count, by: tile.queries) { w, row, _ in
            whenTile(&w, part, row: w.add(first, row), key: key) { w, state in
                let rows = w.min(w.sub(count, row), "\(tile.queries)")
                w.loop(from: "0", to: rows, by: tile.forwardRows) { w, inner, _ in
                    let count = w.min(w.sub(rows, inner), "\(tile.forwardRows)")
                    writeRows(
                        &w, part, first: first, row: w.add(row, inner), rows: count, key: key, keys: keys,
                        tile: TilePlace(state: state, row: inner))
                    return []
                }
            }
            return []
        }
    }

    /// `rows` rows of a tile of scores, from `row` on of those that are in scratch memory. Few rows at a time, so that
    /// their scores stay in the level-1 cache.
    private func writeRows(
        _ w: inout FunctionWriter, _ part: Part, first: String, row: String, rows: String, key: String,
        keys: String, tile place: TilePlace
    ) {
        let bias = part.bias?.tile(&w, query: w.add(first, row), key: key, keys: keys)
        prefetch(&w, [bias], rows: rows)
        let vectors = columnVectors(&w, keys)
        let scores = scratch(&w, .scores)
        scoreProduct.writePanels(
            &w,
            TileProduct.Operands(
                left: w.address(scratch(&w, .query), "float", w.mul(row, "\(kernel.rowWords)")),
                right: scratch(&w, .keyPanels), target: scores, rows: rows, depth: "\(kernel.depthWords)"),
            count: w.ceilDivide(keys, tile.columns))
        excludeColumns(&w, rows: rows, from: keys)
        excludeMasked(&w, part, place, rows: rows, vectors: vectors)
        if hasDropout {
            let token = w.add(w.add(part.rows.start, first), row)
            keep.write(
                &w, terms: scratch(&w, .columnTerms), bits: scratch(&w, .keepBits),
                row: w.add(w.mul(token, "\(kernel.heads)"), part.head), rows: rows, count: keys)
        }
        writeSoftmax(&w, row: row, rows: rows, columns: w.mul(vectors, "\(tile.lanes)"), bias: bias)
        contextProduct.write(
            &w,
            TileProduct.Operands(
                left: scores, right: scratch(&w, .valuePairs),
                target: w.address(scratch(&w, .out), "float", w.mul(row, "\(kernel.paddedSize)")),
                rows: rows, depth: depthWords(&w, keys), factors: scratch(&w, .correction)),
            columns: kernel.paddedSize)
    }

    /// Adds the bias to a tile of scores and turns them into exp(S - maximum), and brings the rows' maximum and sum up
    /// to date.
    private func writeSoftmax(
        _ w: inout FunctionWriter, row: String, rows: String, columns: String, bias: BiasTile?
    ) {
        let type = v.name(.f32)
        let (scores, tileMaximum) = (scratch(&w, .scores), scratch(&w, .tileMaximum))
        let maximum = w.address(scratch(&w, .maximum), "float", row)
        let sums = w.address(scratch(&w, .sum), "float", w.mul(row, "\(tile.lanes)"))
        let corrections = scratch(&w, .correction)
        w.loop(from: "0", to: rows, by: 1) { w, row, _ in
            let start = [(type: type, initial: v.float(-.infinity))]
            let largest = w.loop(from: "0", to: columns, by: tile.columns, carrying: start + start) {
                w, column, carried in
                (0..<2).map { index in
                    let own = w.add(column, "\(index * tile.lanes)")
                    let place = scoreAddress(&w, scores, row, own)
                    var score = loadVector(&w, place)
                    if let bias {
                        score = addBias(&w, bias, row, own, to: score)
                        storeVector(&w, score, place)
                    }
                    return v.larger(&w, score, carried[index])
                }
            }
            let all = horizontalMaximum(&w, v.larger(&w, largest[0], largest[1]))
            let number = w.value("extractelement \(type) \(all), i64 0")
            w.line("store float \(number), ptr \(w.address(tileMaximum, "float", row)), align 4")
            return []
        }
        // correction = 2^(old maximum - new maximum), many rows at a time.
        w.loop(from: "0", to: rows, by: tile.lanes) { w, row, _ in
            let old = loadVector(&w, w.address(maximum, "float", row))
            let new = v.larger(&w, loadVector(&w, w.address(tileMaximum, "float", row)), old)
            let correction = v.exp2(&w, v.op(&w, "fsub", old, new))
            storeVector(&w, new, w.address(maximum, "float", row))
            storeVector(&w, correction, w.address(corrections, "float", row))
            return []
        }
        w.loop(from: "0", to: rows, by: 1) { w, row, _ in
            let top = splatFloat(&w, w.address(maximum, "float", row))
            let sum = w.address(sums, "float", w.mul(row, "\(tile.lanes)"))
            let correction = splatFloat(&w, w.address(corrections, "float", row))
            let before = v.op(&w, "fmul", loadVector(&w, sum), correction)
            let start = [(type: type, initial: before), (type: type, initial: v.float(0))]
            let totals = w.loop(from: "0", to: columns, by: tile.columns, carrying: start) {
                w, column, carried in
                (0..<2).map { index in
                    let own = w.add(column, "\(index * tile.lanes)")
                    let place = scoreAddress(&w, scores, row, own)
                    let p = exp2(&w, v.op(&w, "fsub", loadVector(&w, place), top))
                    var kept = p
                    if hasDropout {
                        let mask = keep.mask(&w, bits: scratch(&w, .keepBits), row: row, column: own)
                        kept = v.select(&w, mask, .f32, p, v.float(0))
                    }
                    if tile.isPaired {
                        let line = w.address(scores, "float", w.mul(row, "\(tile.keys)"))
                        v.store(&w, .bf16, kept, w.address(line, "i16", own))
                    } else {
                        storeVector(&w, kept, place)
                    }
                    return v.op(&w, "fadd", carried[index], p)
                }
            }
            storeVector(&w, v.op(&w, "fadd", totals[0], totals[1]), sum)
            return []
        }
    }

    /// out = O / ((1 - rate) sum), lse = maximum ln 2 + log sum; 0 and -infinity for a row without a key.
    private func finishRows(
        _ w: inout FunctionWriter, _ part: Part, _ token: String, _ count: String, out: Int, lse: Int
    ) {
        let (maximum, sum) = (scratch(&w, .maximum), scratch(&w, .sum))
        copyOut(&w, .out, tokenRow(&w, out, token, part.head), kernel.element, count: count) { w, row in
            let total = horizontalSum(
                &w, loadVector(&w, w.address(sum, "float", w.mul(row, "\(tile.lanes)"))))
            // Takes a place of which the sum has been read.
            w.line("store float \(total), ptr \(w.address(sum, "float", row)), align 4")
            let weight = floatConstant(1 / (1 - kernel.attributes.rate))
            let factor = w.value("fdiv float \(weight), \(total)")
            guard mayExcludeAll else { return v.splat(&w, factor, "float") }
            let isEmpty = w.value("fcmp oeq float \(total), \(floatConstant(0))")
            let guarded = w.value("select i1 \(isEmpty), float \(floatConstant(0)), float \(factor)")
            return v.splat(&w, guarded, "float")
        }
        w.loop(from: "0", to: count, by: tile.lanes) { w, row, _ in
            let place = w.address(maximum, "float", row)
            let total = loadVector(&w, w.address(sum, "float", row))
            var lse = v.fma(&w, loadVector(&w, place), v.float(Self.ln2), v.log(&w, total))
            if mayExcludeAll {
                let isEmpty = v.compareFloat(&w, "oeq", total, v.float(0))
                lse = v.select(&w, isEmpty, .f32, v.float(-.infinity), lse)
            }
            storeVector(&w, lse, place)
            return []
        }
        w.loop(from: "0", to: count, by: 1) { w, row, _ in
            let value = w.value("load float, ptr \(w.address(maximum, "float", row)), align 4")
            let place = tokenNumber(&w, lse, w.add(token, row), part.head)
            w.line("store float \(value), ptr \(place), align 4")
            return []
        }
    }
}
