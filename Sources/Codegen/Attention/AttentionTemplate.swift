import GraphIR
import KernelIR

/// Writes `AttentionKernel`: what its steps share. Scores are kept in base 2: queries are multiplied by
/// scale · log₂ e when they are copied, and probabilities are 2^(S - lse log₂ e).
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
    /// Elements between neighbouring tokens of one head.
    var tokenStride: Int { kernel.heads * kernel.headSize }

    func helpers(_ bf16: BF16Unit) -> String {
        let products: [TileProduct]
        switch kernel.step {
        case .forward: products = [scoreProduct, contextProduct]
        case .gradient: products = [scoreProduct, queryGradientProduct, keyGradientProduct]
        case .sumQueryGradients: return ""
        }
        return (products.map { $0.text(bf16) } + (hasDropout ? [keep.text(bf16)] : [])).joined(separator: "\n")
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
            }
            return []
        }
    }

    // MARK: Products

    /// S = Q Kᵀ, and dP = dO Vᵀ
    var scoreProduct: TileProduct {
        TileProduct(
            name: "scores", rows: tile.rows, lanes: tile.lanes, start: .zero, leftRow: kernel.paddedSize,
            leftDepth: 1, rightDepth: tile.columns, targetRow: tile.keys,
            rightPanel: kernel.headSize * tile.columns)
    }

    /// O = correction O + P V
    var contextProduct: TileProduct { rowProduct("context", .correctedTarget) }

    /// dQ = dS K
    var queryGradientProduct: TileProduct { rowProduct("query_gradient", .zero) }

    private func rowProduct(_ name: String, _ start: TileProduct.Start) -> TileProduct {
        TileProduct(
            name: name, rows: tile.rows, lanes: tile.lanes, start: start, leftRow: tile.keys, leftDepth: 1,
            rightDepth: kernel.paddedSize, targetRow: kernel.paddedSize, rightPanel: tile.columns)
    }

    /// dV += dropout(P)ᵀ dO, and dK += dSᵀ Q
    var keyGradientProduct: TileProduct {
        TileProduct(
            name: "key_gradient", rows: tile.rows, lanes: tile.lanes, start: .target, leftRow: 1,
            leftDepth: tile.keys, rightDepth: kernel.paddedSize, targetRow: kernel.paddedSize,
            rightPanel: tile.columns)
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
    }

    func part(_ w: inout FunctionWriter, sequence: String, head: String, number: String) -> Part {
        let rows = SegmentRows(
            &w, sequence: sequence, offsets: kernel.offsets, lengths: kernel.lengths,
            sequences: kernel.sequences, tokens: kernel.tokens)
        // An even share, in whole tiles.
        let unit = Swift.max(tile.queries, tile.keys)
        let share = w.ceilDivide(rows.count, kernel.parts)
        let size = w.max(w.mul(w.ceilDivide(share, unit), "\(unit)"), "\(tile.partRows)")
        let from = w.min(w.mul(number, size), rows.count)
        let to = w.min(w.add(from, size), rows.count)
        let count = w.value("udiv i64 \(w.sub(w.add(rows.count, size), "1")), \(size)")
        return Part(
            rows: rows, head: head, number: number, from: from, to: to, size: size, count: count,
            mask: kernel.maskTable.map { MaskGrid(&w, table: w.buffer($0), head: head, tile: tile) })
    }

    /// The task's part: parts run fastest, then heads.
    func part(_ w: inout FunctionWriter, _ task: String) -> Part {
        let number = w.value("urem i64 \(task), \(kernel.parts)")
        let rest = w.value("udiv i64 \(task), \(kernel.parts)")
        let head = w.value("urem i64 \(rest), \(kernel.heads)")
        return part(&w, sequence: w.value("udiv i64 \(rest), \(kernel.heads)"), head: head, number: number)
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

    // MARK: Memory

    func scratch(_ w: inout FunctionWriter, _ array: AttentionArray) -> String {
        w.address("%scratch", "float", "\(kernel.offset(of: array))")
    }

    /// The row of `token` of a buffer [tokens, heads, headSize].
    func tokenRow(_ w: inout FunctionWriter, _ buffer: Int, _ token: String, _ head: String) -> String {
        let element = w.add(w.mul(token, "\(tokenStride)"), w.mul(head, "\(kernel.headSize)"))
        return w.address(w.buffer(buffer), "float", element)
    }

    /// The number of `token` in a buffer [tokens, heads].
    func tokenNumber(_ w: inout FunctionWriter, _ buffer: Int, _ token: String, _ head: String) -> String {
        w.address(w.buffer(buffer), "float", w.add(w.mul(token, "\(kernel.heads)"), head))
    }

    /// The vectors of a head: their first element, and the mask of the last one where it is not full.
    private var vectors: [(first: Int, mask: String?)] {
        stride(from: 0, to: kernel.headSize, by: tile.lanes).map { first in
            let rest = kernel.headSize - first
            guard rest < tile.lanes else { return (first, nil) }
            return (first, "<" + (0..<tile.lanes).map { "i1 \($0 < rest)" }.joined(separator: ", ") + ">")
        }
    }

    func loadVector(_ w: inout FunctionWriter, _ place: String, mask: String? = nil) -> String {
        let type = v.name(.f32)
        guard let mask else { return w.value("load \(type), ptr \(place), align 4") }
        return w.value(
            "call \(type) @llvm.masked.load.v\(tile.lanes)f32.p0(ptr \(place), i32 4, \(v.name(.bool)) \(mask), \(type) zeroinitializer)"
        )
    }

    func storeVector(_ w: inout FunctionWriter, _ value: String, _ place: String, mask: String? = nil) {
        let type = v.name(.f32)
        guard let mask else { return w.line("store \(type) \(value), ptr \(place), align 4") }
        w.line(
            "call void @llvm.masked.store.v\(tile.lanes)f32.p0(\(type) \(value), ptr \(place), i32 4, \(v.name(.bool)) \(mask))"
        )
    }

    func splatFloat(_ w: inout FunctionWriter, _ place: String) -> String {
        v.splat(&w, w.value("load float, ptr \(place), align 4"), "float")
    }

    /// `target[row][d] = factor source[row * tokenStride + d]` for `count` rows, zero from headSize to paddedSize.
    func copyIn(
        _ w: inout FunctionWriter, _ source: String, _ target: String, count: String, factor: Double = 1
    ) {
        w.loop(from: "0", to: count, by: 1) { w, row, _ in
            let from = w.address(source, "float", w.mul(row, "\(tokenStride)"))
            let to = w.address(target, "float", w.mul(row, "\(kernel.paddedSize)"))
            for (first, mask) in vectors {
                var x = loadVector(&w, w.address(from, "float", "\(first)"), mask: mask)
                if factor != 1 { x = v.op(&w, "fmul", x, v.float(factor)) }
                storeVector(&w, x, w.address(to, "float", "\(first)"))
            }
            return []
        }
    }

    /// `target[row * tokenStride + d] (+)= factor(row) source[row][d]` for `count` rows.
    func copyOut(
        _ w: inout FunctionWriter, _ source: String, _ target: String, count: String, adds: Bool = false,
        factor: (inout FunctionWriter, _ row: String) -> String
    ) {
        w.loop(from: "0", to: count, by: 1) { w, row, _ in
            let from = w.address(source, "float", w.mul(row, "\(kernel.paddedSize)"))
            let to = w.address(target, "float", w.mul(row, "\(tokenStride)"))
            let scale = factor(&w, row)
            for (first, mask) in vectors {
                let x = loadVector(&w, w.address(from, "float", "\(first)"))
                let place = w.address(to, "float", "\(first)")
                let y =
                    adds
                    ? v.fma(&w, x, scale, loadVector(&w, place, mask: mask)) : v.op(&w, "fmul", x, scale)
                storeVector(&w, y, place, mask: mask)
            }
            return []
        }
    }

    /// Zeroes `count` elements.
    func clear(_ w: inout FunctionWriter, _ place: String, count: String) {
        w.line("call void @llvm.memset.p0.i64(ptr \(place), i8 0, i64 \(w.mul(count, "4")), i1 false)")
    }

    /// Packs `count` rows from `source` on, transposed, into panels `[panel][headSize][columns]`, zero beyond.
    func packPanels(_ w: inout FunctionWriter, _ source: String, _ target: String, count: String) {
        w.loop(from: "0", to: w.ceilDivide(count, tile.columns), by: 1) { w, panel, _ in
            let column = w.mul(panel, "\(tile.columns)")
            PackWriter(tile: tile.panel(headSize: kernel.headSize)).packRight(
                &w, source: source, rowStride: "1", columnStride: "\(tokenStride)", column: column, n: count,
                k: "\(kernel.headSize)",
                panel: w.address(target, "float", w.mul(column, "\(kernel.headSize)")))
            return []
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
