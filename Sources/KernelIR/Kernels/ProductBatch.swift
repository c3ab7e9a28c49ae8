import GraphIR

/// Many independent small products, one task each, packing into the worker's scratch memory.
package struct ProductBatch: Hashable, Sendable {
    package enum Layout: Hashable, Sendable {
        /// `count` matrices of equal shape one behind another.
        case dense(count: Extent, m: Extent, n: Extent, k: Extent, left: MatrixAccess, right: MatrixAccess)
        /// `ragged_matmul`: one problem a sequence and head.
        case ragged(
            RaggedForm, sequences: Extent, tokens: Extent, heads: Int, headSize: Int, length: Extent,
            offsets: Int, lengths: Int)
    }

    package var layout: Layout
    package var left: Int
    package var right: Int
    package var target: Int
    package var tile: ContractionTile

    package init(layout: Layout, left: Int, right: Int, target: Int, tile: ContractionTile) {
        self.layout = layout
        self.left = left
        self.right = right
        self.target = target
        self.tile = tile
    }
}

extension ProductBatch {
    /// (n, k) of the largest problem, for sizing the packed right operand.
    var scratchShape: (n: Extent, k: Extent) {
        switch layout {
        case .dense(_, _, let n, let k, _, _): (n, k)
        case .ragged(.scores, _, _, _, let headSize, let length, _, _): (length, .fixed(headSize))
        case .ragged(_, _, _, _, let headSize, let length, _, _): (.fixed(headSize), length)
        }
    }
}

extension ProductBatch: KernelTemplate {
    package var templateName: String { "problems" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int {
        switch layout {
        case .dense(let count, _, _, _, _, _): count.value(symbols)
        case .ragged(_, let sequences, _, let heads, _, _, _, _): sequences.value(symbols) * heads
        }
    }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int {
        let (n, k) = scratchShape
        return tile.paddedColumns(n.value(symbols)) * tile.paddedDepth(k.value(symbols))
            * tile.element.byteCount
            + tile.operandByteCount
    }

    package var contractionElement: ElementType? { tile.element }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { flopCount(symbols) }

    package func instructionCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int {
        switch layout {
        case .dense(let count, let m, let n, let k, _, _):
            2 * count.value(symbols) * m.value(symbols) * n.value(symbols) * k.value(symbols)
        case .ragged(_, let sequences, _, let heads, let headSize, let length, _, _):
            2 * heads * headSize * sequences.value(symbols) * length.value(symbols) * length.value(symbols)
        }
    }

    package func countTraffic(_ counter: inout TrafficCounter) {
        // Ragged products are counted as if every sequence had its greatest length, as their FLOPs are.
        let symbols = counter.symbols
        switch layout {
        case .dense(let count, let m, let n, let k, _, _):
            let count = count.value(symbols)
            let (m, n, k) = (m.value(symbols), n.value(symbols), k.value(symbols))
            counter.read(left, count * m * k)
            counter.read(right, count * k * n)
            counter.write(target, count * m * n)
        case .ragged(
            let form, let sequences, let tokens, let heads, let headSize, let length, let offsets, let lengths
        ):
            let rows = tokens.value(symbols) * heads
            let (narrow, wide) = (rows * headSize, rows * length.value(symbols))
            counter.read(left, form == .scores ? narrow : wide)
            counter.read(right, narrow)
            counter.write(target, form == .scores ? wide : narrow)
            counter.read(offsets, sequences.value(symbols) + 1)
            counter.read(lengths, sequences.value(symbols))
        }
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.check(tile)
        switch layout {
        case .dense(let count, let m, let n, let k, let left, let right):
            try verifier.extents([count, m, n, k])
            for matrix in [left, right] { try verifier.extents([matrix.rowStride, matrix.columnStride]) }
        case .ragged(
            _, let sequences, let tokens, let heads, let headSize, let length, let offsets, let lengths):
            try verifier.extents([sequences, tokens, .fixed(heads), .fixed(headSize), length])
            try verifier.read(offsets, .i32)
            try verifier.read(lengths, .i32)
        }
        try verifier.read(left, tile.element)
        try verifier.read(right, tile.element)
        try verifier.write(target, .f32)
    }
}

extension ProductBatch {
    package var description: String { "  products \(layout) tile \(tile)\n" }
}
