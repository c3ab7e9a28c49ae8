import GraphIR
import KernelIR

// Rows of a head between buffers of the kernel's element type and scratch memory, and scratch memory itself.

/// An array of rows, one for each token, that begins at token 0.
struct TokenRows {
    let start: Pointer
    let element: ElementType
    /// Elements from token to token.
    let stride: I64
}

/// The rows of one head, from some token on.
struct HeadRows {
    let start: Pointer
    /// Elements from token to token.
    let stride: I64
    /// The angles of the rows, one row behind another, where they are turned.
    var angles: Pointer?
    /// Where row 0 is among rows that there are no others beside; nil for rows from `start` on.
    var place: RowPlace?

    /// The first element of a row.
    func row(_ w: inout FunctionWriter, _ row: I64, _ element: ScalarType) -> Pointer {
        guard let place else { return w.address(start, element, w.mul(row, stride)) }
        let number = w.min(w.max(w.add(place.first, row), 0), place.last)
        return w.address(start, element, w.mul(number, stride))
    }

    /// The rows behind the first `count`.
    func from(_ w: inout FunctionWriter, _ count: I64) -> HeadRows {
        guard let place else { preconditionFailure("rows of no place") }
        return HeadRows(
            start: start, stride: stride, place: RowPlace(first: w.add(place.first, count), last: place.last))
    }
}

/// The number of a row, which may lie outside of 0 ... `last`: the first or the last one stands for it then.
struct RowPlace {
    let first: I64
    let last: I64
}

/// Where copies of rows go: operands whose depth is the head, and those whose depth is the rows.
struct CopyTarget {
    var rows: Pointer?
    var pairs: Pointer?
}

extension AttentionTemplate {
    func scratch(_ w: inout FunctionWriter, _ array: AttentionArray) -> Pointer {
        w.address(KernelParameters.scratch, .float, kernel.offset(of: array))
    }

    /// The row of `token` of a buffer [tokens, heads, headSize].
    func tokenRow(_ w: inout FunctionWriter, _ buffer: Int, _ token: I64, _ head: I64) -> Pointer {
        let rows = TokenRows(start: w.buffer(buffer), element: kernel.element, stride: rowStride(buffer))
        return tokenRow(&w, rows, token, head)
    }

    func tokenRow(_ w: inout FunctionWriter, _ rows: TokenRows, _ token: I64, _ head: I64) -> Pointer {
        let index = element(&w, rows, token, head)
        return w.address(rows.start, rows.element.stored, index)
    }

    /// The first element of the row of `token`.
    func element(_ w: inout FunctionWriter, _ rows: TokenRows, _ token: I64, _ head: I64) -> I64 {
        w.add(w.mul(token, rows.stride), w.mul(head, kernel.headSize))
    }

    /// Elements between neighbouring tokens of one head in a buffer.
    func rowStride(_ buffer: Int) -> I64 { I64(kernel.rowStride(buffer)) }

    /// The rows from `token` on of a head of a buffer.
    func headRows(_ w: inout FunctionWriter, _ buffer: Int, _ token: I64, _ head: I64) -> HeadRows {
        HeadRows(start: tokenRow(&w, buffer, token, head), stride: rowStride(buffer))
    }

    /// The number of `token` in a buffer [tokens, heads].
    func tokenNumber(_ w: inout FunctionWriter, _ buffer: Int, _ token: I64, _ head: I64) -> Pointer {
        w.address(w.buffer(buffer), .float, w.add(w.mul(token, kernel.heads), head))
    }

    /// The same of queries, keys or their gradients, which are turned where the kernel has angles.
    func turnedRows(_ w: inout FunctionWriter, _ buffer: Int, _ token: I64, _ head: I64) -> HeadRows {
        turned(&w, headRows(&w, buffer, token, head), token)
    }

    /// Rows from `token` on with their angles, if there are any.
    func turned(_ w: inout FunctionWriter, _ rows: HeadRows, _ token: I64) -> HeadRows {
        var rows = rows
        rows.angles = kernel.rotary.map { w.address(w.buffer($0), .float, w.mul(token, kernel.headSize)) }
        return rows
    }

    /// The vectors of a head: their first element, and the mask of the last one where it is not full.
    var vectors: [(first: Int, mask: Mask?)] {
        stride(from: 0, to: kernel.headSize, by: tile.lanes).map { first in
            let rest = kernel.headSize - first
            guard rest < tile.lanes else { return (first, nil) }
            return (first, Mask((0..<tile.lanes).map { I1($0 < rest) }))
        }
    }

    func loadVector(_ w: inout FunctionWriter, _ place: Pointer, mask: Mask? = nil) -> Vector<F32> {
        v.load(&w, F32.self, place, mask: mask)
    }

    func storeVector(
        _ w: inout FunctionWriter, _ value: Vector<F32>, _ place: Pointer, mask: Mask? = nil
    ) {
        v.store(&w, value, place, mask: mask)
    }

    func splatFloat(_ w: inout FunctionWriter, _ place: Pointer) -> Vector<F32> {
        v.splat(&w, w.load(F32.self, place))
    }

    /// Copies `count` rows of a head to arrays of scratch memory, zero from headSize to paddedSize: to `rows` as
    /// operands whose depth is the head, to `pairs` as operands whose depth is the rows, zero in the second row of the
    /// last pair when there is none.
    func copyIn(
        _ w: inout FunctionWriter, _ source: HeadRows, count: I64, rows: AttentionArray? = nil,
        pairs: AttentionArray? = nil
    ) {
        let target = CopyTarget(
            rows: rows.map { scratch(&w, $0) }, pairs: pairs.map { scratch(&w, $0) })
        copyIn(&w, source, count: count, to: target)
    }

    func copyIn(_ w: inout FunctionWriter, _ source: HeadRows, count: I64, to target: CopyTarget) {
        guard tile.isPaired else {
            return copyWidened(&w, source, count: count, to: target.rows ?? target.pairs)
        }
        precondition(kernel.element == .bf16, "pairs of \(kernel.element)")
        let whole = w.and(count, -2)
        w.loop(from: 0, to: whole, by: 2) { w, row in
            copyRows(&w, source, from: row, count: 2, to: target)
        }
        w.when(w.compare(.ne, whole, count)) { w in
            copyRows(&w, source, from: whole, count: 1, to: target)
        }
    }

    /// One pair of rows, or the first of them with zeros for the second.
    private func copyRows(
        _ w: inout FunctionWriter, _ source: HeadRows, from row: I64, count: Int, to target: CopyTarget
    ) {
        let sources = (0..<count).map { source.row(&w, w.add(row, $0), .i16) }
        func store(_ w: inout FunctionWriter, _ bits: [Vector<I16>], at first: Int, mask: Mask?) {
            if let rows = target.rows {
                for (index, bits) in bits.enumerated() {
                    let start = w.mul(w.add(row, index), kernel.paddedSize)
                    v.store(&w, bits, w.address(rows, .i16, w.add(start, first)), mask: mask)
                }
            }
            if let pairs = target.pairs {
                let start = w.mul(w.lshr(row, 1), kernel.paddedSize)
                let place = w.address(pairs, .i32, w.add(start, first))
                let second: Vector<I16> = count == 2 ? bits[1] : v.zero()
                v.store(&w, v.bf16Pairs(&w, low: bits[0], high: second), place, mask: mask)
            }
        }
        guard let angles = source.angles else {
            for (first, mask) in vectors {
                let bits = sources.map { v.load(&w, I16.self, w.address($0, .i16, first), mask: mask) }
                store(&w, bits, at: first, mask: nil)
            }
            return
        }
        let halves = sources.enumerated().map { index, source in
            turnedVectors(&w, source, angles: angles, row: w.add(row, index))
        }
        for index in halves[0].indices {
            let (first, mask) = (halves[0][index].first, halves[0][index].mask)
            store(&w, halves.map { v.bf16Bits(&w, $0[index].value) }, at: first, mask: mask)
        }
    }

    private func copyWidened(
        _ w: inout FunctionWriter, _ source: HeadRows, count: I64, to target: Pointer?
    ) {
        guard let target else { return }
        let storage = kernel.element.stored
        w.loop(from: 0, to: count, by: 1) { w, row in
            let from = source.row(&w, row, storage)
            let to = w.address(target, .float, w.mul(row, kernel.paddedSize))
            if let angles = source.angles {
                for vector in turnedVectors(&w, from, angles: angles, row: row) {
                    storeVector(&w, vector.value, w.address(to, .float, vector.first), mask: vector.mask)
                }
                return
            }
            for (first, mask) in vectors {
                let x = v.loadFloats(&w, as: kernel.element, w.address(from, storage, first), mask: mask)
                storeVector(&w, x, w.address(to, .float, first))
            }
        }
    }

    /// Rows of a head that `copyOut` writes.
    struct OutputRows {
        let rows: HeadRows
        let element: ElementType
        let count: I64
        /// Whether to add to what is there.
        var adds = false
    }

    /// `target[row * stride + d] (+)= factor(row) source[row][d]` for rows of f32 in scratch memory.
    func copyOut(
        _ w: inout FunctionWriter, _ source: AttentionArray, to target: OutputRows,
        factor: (inout FunctionWriter, _ row: I64) -> Vector<F32>
    ) {
        let (element, storage) = (target.element, target.element.stored)
        w.loop(from: 0, to: target.count, by: 1) { w, row in
            let from = w.address(scratch(&w, source), .float, w.mul(row, kernel.paddedSize))
            let to = w.address(target.rows.start, storage, w.mul(row, target.rows.stride))
            let scale = factor(&w, row)
            if let angles = target.rows.angles {
                writeTurnedBack(
                    &w, from, to: to, target, scale: scale,
                    angles: w.address(angles, .float, w.mul(row, kernel.headSize)))
                return
            }
            for (first, mask) in vectors {
                let x = loadVector(&w, w.address(from, .float, first))
                let place = w.address(to, storage, first)
                let y =
                    target.adds
                    ? w.fma(x, scale, v.loadFloats(&w, as: element, place, mask: mask)) : w.fmul(x, scale)
                v.store(&w, y, as: element, place, mask: mask)
            }
        }
    }

    /// Zeroes `count` elements.
    func clear(_ w: inout FunctionWriter, _ place: Pointer, _ element: ElementType, count: I64) {
        w.clear(place, bytes: w.mul(count, element.byteCount))
    }

    /// Packs `count` rows of `source`, transposed, into panels `[panel][depthWords][columns]`, zero beyond.
    func packPanels(
        _ w: inout FunctionWriter, _ source: AttentionArray, _ target: AttentionArray, count: I64
    ) {
        packPanels(&w, scratch(&w, source), scratch(&w, target), count: count)
    }

    func packPanels(_ w: inout FunctionWriter, _ source: Pointer, _ target: Pointer, count: I64) {
        let depth = I64(kernel.depthWords)
        w.loop(from: 0, to: w.ceilDivide(count, tile.columns), by: 1) { w, panel in
            let column = w.mul(panel, tile.columns)
            let rows = PackWriter.Matrix(
                source: source, rowStride: 1, columnStride: I64(kernel.rowWords), k: depth,
                n: count)
            let place = w.address(target, .float, w.mul(column, depth))
            PackWriter(tile: tile.panel).packRight(&w, rows, column: column, panel: place)
        }
    }
}
