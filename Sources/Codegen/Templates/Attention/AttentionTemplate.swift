import GraphIR
import KernelIR

/// Writes `AttentionKernel`: what its steps share. Scores are kept in base 2: products of queries and keys are
/// multiplied by scale · log₂ e, and probabilities are 2^(S - lse log₂ e).
struct AttentionTemplate {
    let kernel: AttentionKernel
    let keep: KeepTile

    init(_ kernel: AttentionKernel) {
        self.kernel = kernel
        keep = KeepTile(kernel: kernel, name: "keep")
    }

    static let log2e = 1.442695040888963407
    static let ln2 = 0.693147180559945309

    var tile: AttentionTile { kernel.tile }
    var v: VectorWriter { VectorWriter(lanes: tile.lanes) }
    var hasDropout: Bool { kernel.attributes.rate > 0 }
    /// Whether a row may be left without a key, or a tile without one for some row.
    var mayExcludeAll: Bool { kernel.maskTable != nil || kernel.bias != nil }
    /// Elements between neighbouring tokens of one head.
    var tokenStride: Int { kernel.heads * kernel.headSize }

    func helpers(_ bf16: BF16Unit) -> String {
        let products: [TileProduct]
        switch kernel.step {
        case .forward: products = [scoreProduct, contextProduct]
        case .gradient:
            products = [
                scoreProduct, probabilityGradientProduct, queryGradientProduct, keyGradientProduct,
            ]
        case .sumQueryGradients, .sumBiasGradients: return ""
        }
        return (products.map { $0.text(bf16) } + (hasDropout ? [keep.text(bf16)] : [])).joined(
            separator: "\n")
    }

    func write(_ w: inout FunctionWriter) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, task, _ in
            switch kernel.step {
            case .forward(let out, let lse): writeForward(&w, task, out: out, lse: lse)
            case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
                let buffers = GradientBuffers(
                    dout: dout, lse: lse, delta: delta, dq: dq, dk: dk, dv: dv, partial: partial)
                writeGradient(&w, task, buffers)
            case .sumQueryGradients(let dq, let partial): writeSum(&w, task, dq: dq, partial: partial)
            case .sumBiasGradients(let gradient): writeBiasSum(&w, task, gradient)
            }
            return []
        }
    }

    // MARK: Products

    /// S = scale log₂ e Q Kᵀ
    var scoreProduct: TileProduct { headProduct("scores", factor: kernel.attributes.scale * Self.log2e) }

    /// dP = dO Vᵀ / (1 - rate)
    var probabilityGradientProduct: TileProduct {
        headProduct("probability_gradients", factor: 1 / (1 - kernel.attributes.rate))
    }

    private func headProduct(_ name: String, factor: Double) -> TileProduct {
        TileProduct(
            name: name, rows: tile.rows, lanes: tile.lanes, isPaired: tile.isPaired, start: .zero,
            factor: factor, leftRow: kernel.rowWords, leftDepth: 1, rightDepth: tile.columns,
            targetRow: tile.keys, rightPanel: kernel.depthWords * tile.columns)
    }

    /// O = correction O + P V
    var contextProduct: TileProduct { rowProduct("context", .correctedTarget, leftRow: tile.keys) }

    /// dQ = dS K
    var queryGradientProduct: TileProduct {
        rowProduct("query_gradient", .zero, leftRow: tile.keys / tile.wordElements)
    }

    private func rowProduct(_ name: String, _ start: TileProduct.Start, leftRow: Int) -> TileProduct {
        TileProduct(
            name: name, rows: tile.rows, lanes: tile.lanes, isPaired: tile.isPaired, start: start,
            leftRow: leftRow, leftDepth: 1, rightDepth: kernel.paddedSize, targetRow: kernel.paddedSize,
            rightPanel: tile.columns)
    }

    /// dV += dropout(P)ᵀ dO, and dK += dSᵀ Q
    var keyGradientProduct: TileProduct {
        TileProduct(
            name: "key_gradient", rows: tile.rows, lanes: tile.lanes, isPaired: tile.isPaired, start: .target,
            leftRow: 1, leftDepth: tile.wordElements * tile.keys, rightDepth: kernel.paddedSize,
            targetRow: kernel.paddedSize, rightPanel: tile.columns)
    }

    /// Words along a depth of `count` rows.
    func depthWords(_ w: inout FunctionWriter, _ count: String) -> String {
        w.ceilDivide(count, tile.wordElements)
    }

    // MARK: Parts

    /// What a task works on.
    struct Part {
        let rows: SegmentRows
        let head: String
        let number: String
        /// The part's rows within the sequence: `from ..< to`.
        let from: String
        let to: String
        /// Rows of a part, and how many parts have any.
        let size: String
        let count: String
        let mask: MaskGrid?
        let bias: BiasRows?
    }

    func part(_ w: inout FunctionWriter, sequence: String, head: String, number: String) -> Part {
        let rows = SegmentRows(
            &w, sequence: sequence, offsets: kernel.offsets, lengths: kernel.lengths,
            sequences: kernel.sequences, tokens: kernel.tokens)
        let size = partSize(&w, of: kernel.biasGradient == nil ? rows.count : biasLength(&w))
        let from = w.min(w.mul(number, size), rows.count)
        let to = w.min(w.add(from, size), rows.count)
        let count = w.value("udiv i64 \(w.sub(w.add(rows.count, size), "1")), \(size)")
        return Part(
            rows: rows, head: head, number: number, from: from, to: to, size: size, count: count,
            mask: kernel.maskTable.map { MaskGrid(&w, table: w.buffer($0), head: head, tile: tile) },
            bias: kernel.bias.map { BiasRows(&w, $0, at: w.buffer($0.buffer), head: head) })
    }

    /// Rows of the parts of a sequence of `length` tokens: an even share, in whole tiles.
    func partSize(_ w: inout FunctionWriter, of length: String) -> String {
        let unit = Swift.max(tile.queries, tile.keys)
        let share = w.ceilDivide(length, kernel.parts)
        return w.max(w.mul(w.ceilDivide(share, unit), "\(unit)"), "\(tile.partRows)")
    }

    /// What a task stands for: parts run fastest, then heads, then sequences or groups of them. With a bias of pairs
    /// sequences run fastest, so that what a head's part reads of it stays in the cache.
    func numbers(_ w: inout FunctionWriter, _ task: String) -> (sequence: String, head: String, part: String)
    {
        func split(_ w: inout FunctionWriter, _ number: String, _ count: String) -> (String, String) {
            (w.value("urem i64 \(number), \(count)"), w.value("udiv i64 \(number), \(count)"))
        }
        if kernel.bias?.kind == .pairs {
            let count = kernel.biasGradient.map { "\($0.groups)" } ?? w.extent(kernel.sequences)
            let (sequence, rest) = split(&w, task, count)
            let (part, head) = split(&w, rest, "\(kernel.parts)")
            return (sequence, head, part)
        }
        let (part, rest) = split(&w, task, "\(kernel.parts)")
        let (head, sequence) = split(&w, rest, "\(kernel.heads)")
        return (sequence, head, part)
    }

    func part(_ w: inout FunctionWriter, _ task: String) -> Part {
        let (sequence, head, number) = numbers(&w, task)
        return part(&w, sequence: sequence, head: head, number: number)
    }

    /// Runs `body` for each padding row of the sequence; the first part does it.
    func forPadding(_ w: inout FunctionWriter, _ part: Part, _ body: (inout FunctionWriter, String) -> Void) {
        w.when(w.value("icmp eq i64 \(part.number), 0")) { w in
            w.loop(from: part.rows.first, to: part.rows.end, by: 1) { w, row, _ in
                let isPadding = w.value("xor i1 \(part.rows.isReal(&w, row)), true")
                w.when(isPadding) { w in body(&w, row) }
                return []
            }
        }
    }

    // MARK: Scores

    /// The element at (row, column) of a tile of scores.
    func scoreAddress(_ w: inout FunctionWriter, _ tileStart: String, _ row: String, _ column: String)
        -> String
    {
        w.address(tileStart, "float", w.add(w.mul(row, "\(tile.keys)"), column))
    }

    /// Gives the columns from `count` to the end of the last panel the score -infinity.
    func excludeColumns(_ w: inout FunctionWriter, rows: String, from count: String) {
        let rest = w.value("urem i64 \(count), \(tile.columns)")
        let scores = scratch(&w, .scores)
        w.when(w.value("icmp ne i64 \(rest), 0")) { w in
            let rest32 = w.value("trunc i64 \(rest) to i32")
            let first = w.sub(count, rest)
            for index in 0..<2 {
                let numbers = v.integer(&w, "add", v.laneNumbers, v.bits(index * tile.lanes))
                let mask = w.value("icmp sge \(v.name(.i32)) \(numbers), \(v.splat(&w, rest32, "i32"))")
                let column = w.add(first, "\(index * tile.lanes)")
                w.loop(from: "0", to: rows, by: 1) { w, row, _ in
                    let place = scoreAddress(&w, scores, row, column)
                    storeVector(&w, v.float(-.infinity), place, mask: mask)
                    return []
                }
            }
        }
    }

    /// Vectors of columns that a tile of `count` keys fills, in whole panels.
    func columnVectors(_ w: inout FunctionWriter, _ count: String) -> String {
        w.mul(w.ceilDivide(count, tile.columns), "2")
    }

    /// 2^x, to the precision that the products keep.
    func exp2(_ w: inout FunctionWriter, _ x: String) -> String {
        v.exp2(&w, x, tile.isPaired ? .bits18 : .bits23)
    }

    /// The row's maximum, one vector of it to one number in every lane.
    func horizontalMaximum(_ w: inout FunctionWriter, _ x: String) -> String {
        var result = x
        var step = tile.lanes / 2
        while step >= 1 {
            let order = (0..<tile.lanes).map { "i32 \($0 ^ step)" }.joined(separator: ", ")
            let other = w.value(
                "shufflevector \(v.name(.f32)) \(result), \(v.name(.f32)) poison, <\(tile.lanes) x i32> <\(order)>"
            )
            result = v.larger(&w, other, result)
            step /= 2
        }
        return result
    }

    func horizontalSum(_ w: inout FunctionWriter, _ x: String) -> String {
        w.value(
            "call reassoc float @llvm.vector.reduce.fadd.v\(tile.lanes)f32(float 0x8000000000000000, \(v.name(.f32)) \(x))"
        )
    }
}
