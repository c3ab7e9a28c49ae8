import GraphIR
import KernelIR
import Target

/// Writes `AttentionKernel`: what its steps share. Scores are kept in base 2: products of queries and keys are
/// multiplied by scale · log₂ e, and probabilities are 2^(S - lse log₂ e).
struct AttentionTemplate {
    let kernel: AttentionKernel
    let keep: KeepTile

    init(_ kernel: AttentionKernel) {
        self.kernel = kernel
        keep = KeepTile(kernel)
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

    var helpers: [KernelHelper] {
        let products: [TileProduct?]
        switch kernel.step {
        case .forward: products = [scoreProduct, contextProduct, firstContextProduct, contentProduct]
        case .gradient:
            products = [
                scoreProduct, probabilityGradientProduct, queryGradientProduct, keyGradientProduct,
                firstKeyGradientProduct, contentProduct, relativeQueryGradientProduct, relativeKeyProduct,
                relativeQueryProduct,
            ]
        case .sumQueryGradients, .sumBiasGradients, .sumRelativeGradients: return []
        }
        return products.compactMap { $0 }.map { KernelHelper(unit: .product($0)) }
            + (hasDropout ? [KernelHelper(unit: .keep(keep.function))] : [])
    }

    func write(_ w: inout FunctionWriter) {
        w.forEachTask { w, task in
            switch kernel.step {
            case .forward(let out, let lse): writeForward(&w, task, out: out, lse: lse)
            case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
                let buffers = GradientBuffers(
                    dout: dout, lse: lse, delta: delta, dq: dq, dk: dk, dv: dv, partial: partial)
                writeGradient(&w, task, buffers)
            case .sumQueryGradients(let dq, let partial): writeSum(&w, task, dq: dq, partial: partial)
            case .sumBiasGradients(let gradient): writeBiasSum(&w, task, gradient)
            case .sumRelativeGradients(let gradient): writeRelativeSum(&w, task, gradient)
            }
        }
    }

    // MARK: Products

    /// S = scale log₂ e Q Kᵀ
    var scoreProduct: TileProduct {
        headProduct("scores", factor: kernel.attributes.scale * Self.log2e, targetRow: tile.keys)
    }

    /// dP = dO Vᵀ / (1 - rate)
    var probabilityGradientProduct: TileProduct {
        headProduct(
            "probability_gradients", factor: 1 / (1 - kernel.attributes.rate), targetRow: tile.keys)
    }

    func headProduct(_ name: String, factor: Double, targetRow: Int) -> TileProduct {
        TileProduct(
            name: name, rows: tile.rows, lanes: tile.lanes, isPaired: tile.isPaired, start: .zero,
            factor: factor, leftRow: kernel.rowWords, leftDepth: 1, rightDepth: tile.columns,
            targetRow: targetRow, rightPanel: kernel.depthWords * tile.columns)
    }

    /// O = correction O + P V
    var contextProduct: TileProduct { rowProduct("context", .correctedTarget, leftRow: tile.keys) }

    /// O = P V for the first keys, if those are known when kernels are written.
    var firstContextProduct: TileProduct? {
        knowsFirstTile ? rowProduct("first_context", .zero, leftRow: tile.keys) : nil
    }

    /// dQ = dS K
    var queryGradientProduct: TileProduct {
        rowProduct("query_gradient", .zero, leftRow: tile.keys / tile.wordElements)
    }

    func rowProduct(_ name: String, _ start: TileProduct.Start, leftRow: Int) -> TileProduct {
        TileProduct(
            name: name, rows: tile.rows, lanes: tile.lanes, isPaired: tile.isPaired, start: start,
            leftRow: leftRow, leftDepth: 1, rightDepth: kernel.paddedSize, targetRow: kernel.paddedSize,
            rightPanel: tile.columns)
    }

    /// dV += dropout(P)ᵀ dO, and dK += dSᵀ Q
    var keyGradientProduct: TileProduct { keyProduct("key_gradient", .target, leftDepth: keyDepth) }

    /// dV = dropout(P)ᵀ dO and dK = dSᵀ Q for the first queries, if those are known when kernels are written.
    var firstKeyGradientProduct: TileProduct? {
        knowsFirstTile ? keyProduct("first_key_gradient", .zero, leftDepth: keyDepth) : nil
    }

    private var keyDepth: Int { tile.wordElements * tile.keys }

    func keyProduct(_ name: String, _ start: TileProduct.Start, leftDepth: Int) -> TileProduct {
        TileProduct(
            name: name, rows: tile.rows, lanes: tile.lanes, isPaired: tile.isPaired, start: start,
            leftRow: 1, leftDepth: leftDepth, rightDepth: kernel.paddedSize,
            targetRow: kernel.paddedSize, rightPanel: tile.columns)
    }

    /// Whether the first tile of a row or column of tiles is the one at 0: a mask may leave that one out. Sums then
    /// start with it, and are not cleared before.
    var knowsFirstTile: Bool { kernel.maskTable == nil }

    /// Whether the tile at `position` is the first one.
    func isFirstTile(_ w: inout FunctionWriter, at position: I64) -> I1 {
        knowsFirstTile ? w.compare(.eq, position, 0) : false
    }

    /// Words along a depth of `count` rows.
    func depthWords(_ w: inout FunctionWriter, _ count: I64) -> I64 { w.ceilDivide(count, tile.wordElements) }

    // MARK: Scores

    /// The element at (row, column) of a tile of scores.
    func scoreAddress(_ w: inout FunctionWriter, _ tileStart: Pointer, _ row: I64, _ column: I64) -> Pointer {
        w.address(tileStart, .float, w.add(w.mul(row, tile.keys), column))
    }

    /// Gives the columns from `count` to the end of the last panel the score -infinity.
    func excludeColumns(_ w: inout FunctionWriter, rows: I64, from count: I64) {
        let rest = w.urem(count, tile.columns)
        let scores = scratch(&w, .scores)
        w.when(w.compare(.ne, rest, 0)) { w in
            let rest32 = w.convert(.trunc, rest, to: I32.self)
            let first = w.sub(count, rest)
            for index in 0..<2 {
                let numbers = w.add(v.laneNumbers, v.bits(index * tile.lanes))
                let mask = w.compare(.sge, numbers, v.splat(&w, rest32))
                let column = w.add(first, index * tile.lanes)
                w.loop(from: 0, to: rows, by: 1) { w, row in
                    let place = scoreAddress(&w, scores, row, column)
                    storeVector(&w, v.float(-.infinity), place, mask: mask)
                }
            }
        }
    }

    /// Vectors of columns that a tile of `count` keys fills, in whole panels.
    func columnVectors(_ w: inout FunctionWriter, _ count: I64) -> I64 {
        w.mul(w.ceilDivide(count, tile.columns), 2)
    }

    /// 2^x, to the precision that the products keep.
    func exp2(_ w: inout FunctionWriter, _ x: Vector<F32>) -> Vector<F32> {
        v.exp2(&w, x, tile.isPaired ? .short : .full)
    }

    /// The row's maximum, one vector of it to one number in every lane.
    func horizontalMaximum(_ w: inout FunctionWriter, _ x: Vector<F32>) -> Vector<F32> {
        var result = x
        var step = tile.lanes / 2
        while step >= 1 {
            let other = w.shuffle(result, (0..<tile.lanes).map { $0 ^ step })
            result = v.larger(&w, other, result)
            step /= 2
        }
        return result
    }
}
