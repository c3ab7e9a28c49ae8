import GraphIR
import KernelIR

// Rows of a head between buffers of the kernel's element type and scratch memory, and scratch memory itself.

extension AttentionTemplate {
    func scratch(_ w: inout FunctionWriter, _ array: AttentionArray) -> String {
        w.address("%scratch", "float", "\(kernel.offset(of: array))")
    }

    /// The row of `token` of a buffer [tokens, heads, headSize].
    func tokenRow(_ w: inout FunctionWriter, _ buffer: Int, _ token: String, _ head: String) -> String {
        tokenRow(&w, w.buffer(buffer), kernel.element, token, head)
    }

    func tokenRow(
        _ w: inout FunctionWriter, _ pointer: String, _ element: ElementType, _ token: String, _ head: String
    ) -> String {
        let index = w.add(w.mul(token, "\(tokenStride)"), w.mul(head, "\(kernel.headSize)"))
        return w.address(pointer, VectorWriter.storageName(element), index)
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
        v.load(&w, .f32, place, mask: mask)
    }

    func storeVector(_ w: inout FunctionWriter, _ value: String, _ place: String, mask: String? = nil) {
        v.store(&w, .f32, value, place, mask: mask)
    }

    func splatFloat(_ w: inout FunctionWriter, _ place: String) -> String {
        v.splat(&w, w.value("load float, ptr \(place), align 4"), "float")
    }

    /// Copies `count` rows of a head to arrays of scratch memory, zero from headSize to paddedSize: to `rows` as
    /// operands whose depth is the head, to `pairs` as operands whose depth is the rows, zero in the second row of the
    /// last pair when there is none.
    func copyIn(
        _ w: inout FunctionWriter, _ source: String, count: String, rows: AttentionArray? = nil,
        pairs: AttentionArray? = nil
    ) {
        guard tile.isPaired else { return copyWidened(&w, source, count: count, to: rows ?? pairs) }
        let storage = VectorWriter.storageName(kernel.element)
        let all = v.constant(1, .bool)
        w.loop(from: "0", to: count, by: 2) { w, row, _ in
            let hasSecond = w.value("icmp slt i64 \(w.add(row, "1")), \(count)")
            let sources = (0..<2).map { index in
                w.address(source, storage, w.mul(w.add(row, "\(index)"), "\(tokenStride)"))
            }
            for (first, mask) in vectors {
                let secondMask = w.value(
                    "select i1 \(hasSecond), \(v.name(.bool)) \(mask ?? all), \(v.name(.bool)) zeroinitializer"
                )
                let both = zip(sources, [mask, secondMask]).map { source, mask in
                    v.loadStored(&w, kernel.element, w.address(source, storage, "\(first)"), mask: mask)
                }
                if let rows {
                    for (index, bits) in both.enumerated() {
                        let start = w.mul(w.add(row, "\(index)"), "\(kernel.paddedSize)")
                        let place = w.address(scratch(&w, rows), storage, w.add(start, "\(first)"))
                        v.storeStored(&w, kernel.element, bits, place)
                    }
                }
                if let pairs {
                    let start = w.mul(w.value("lshr i64 \(row), 1"), "\(kernel.paddedSize)")
                    let place = w.address(scratch(&w, pairs), "i32", w.add(start, "\(first)"))
                    v.storeStored(&w, .i32, v.bf16Pairs(&w, lowBits: both[0], highBits: both[1]), place)
                }
            }
            return []
        }
    }

    private func copyWidened(
        _ w: inout FunctionWriter, _ source: String, count: String, to array: AttentionArray?
    ) {
        guard let array else { return }
        let storage = VectorWriter.storageName(kernel.element)
        w.loop(from: "0", to: count, by: 1) { w, row, _ in
            let from = w.address(source, storage, w.mul(row, "\(tokenStride)"))
            let to = w.address(scratch(&w, array), "float", w.mul(row, "\(kernel.paddedSize)"))
            for (first, mask) in vectors {
                let x = v.load(&w, kernel.element, w.address(from, storage, "\(first)"), mask: mask)
                storeVector(&w, x, w.address(to, "float", "\(first)"))
            }
            return []
        }
    }

    /// `target[row * tokenStride + d] (+)= factor(row) source[row][d]` for `count` rows of f32 in scratch memory.
    func copyOut(
        _ w: inout FunctionWriter, _ source: AttentionArray, _ target: String, _ element: ElementType,
        count: String, adds: Bool = false, factor: (inout FunctionWriter, _ row: String) -> String
    ) {
        let storage = VectorWriter.storageName(element)
        w.loop(from: "0", to: count, by: 1) { w, row, _ in
            let from = w.address(scratch(&w, source), "float", w.mul(row, "\(kernel.paddedSize)"))
            let to = w.address(target, storage, w.mul(row, "\(tokenStride)"))
            let scale = factor(&w, row)
            for (first, mask) in vectors {
                let x = loadVector(&w, w.address(from, "float", "\(first)"))
                let place = w.address(to, storage, "\(first)")
                let y =
                    adds
                    ? v.fma(&w, x, scale, v.load(&w, element, place, mask: mask)) : v.op(&w, "fmul", x, scale)
                v.store(&w, element, y, place, mask: mask)
            }
            return []
        }
    }

    /// Zeroes `count` elements.
    func clear(_ w: inout FunctionWriter, _ place: String, _ element: ElementType, count: String) {
        let bytes = w.mul(count, "\(element.byteCount)")
        w.line("call void @llvm.memset.p0.i64(ptr \(place), i8 0, i64 \(bytes), i1 false)")
    }

    /// Packs `count` rows of `source`, transposed, into panels `[panel][depthWords][columns]`, zero beyond.
    func packPanels(
        _ w: inout FunctionWriter, _ source: AttentionArray, _ target: AttentionArray, count: String
    ) {
        let depth = kernel.depthWords
        w.loop(from: "0", to: w.ceilDivide(count, tile.columns), by: 1) { w, panel, _ in
            let column = w.mul(panel, "\(tile.columns)")
            PackWriter(tile: tile.panel).packRight(
                &w, source: scratch(&w, source), rowStride: "1", columnStride: "\(kernel.rowWords)",
                column: column, n: count, k: "\(depth)",
                panel: w.address(scratch(&w, target), "float", w.mul(column, "\(depth)")))
            return []
        }
    }
}
