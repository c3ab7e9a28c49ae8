import GraphIR
import KernelIR
import Target

/// Writes `ProductBatch`: each task packs its right operand into scratch memory and multiplies, block of rows by
/// block of rows.
struct ProblemTemplate {
    let batch: ProductBatch
    private let block: BlockProduct
    private let strides: Strides

    /// Distances between elements of the three matrices, the same for every problem.
    private struct Strides {
        var leftRow: Extent
        var leftDepth: Extent
        var rightDepth: Extent
        var rightColumn: Extent
        var targetRow: Extent
        var columns: Extent?
    }

    /// One problem's addresses and sizes.
    private struct Problem {
        let left: Pointer
        let right: Pointer
        let target: Pointer
        let m: I64
        let n: I64
        let k: I64
    }

    /// One head of a sequence.
    private struct Head {
        let number: I64
        let count: Int
        let size: Int
    }

    init(_ batch: ProductBatch) {
        self.batch = batch
        switch batch.layout {
        case .dense(_, _, let n, _, let left, let right):
            strides = Strides(
                leftRow: left.rowStride, leftDepth: left.columnStride, rightDepth: right.rowStride,
                rightColumn: right.columnStride, targetRow: n, columns: n)
        case .ragged(let form, _, _, let heads, let headSize, let length, _, _):
            let token = Extent.fixed(heads * headSize)
            let scoreToken = Extent.fixed(heads) * length
            switch form {
            case .scores:
                strides = Strides(
                    leftRow: token, leftDepth: .one, rightDepth: .one, rightColumn: token,
                    targetRow: scoreToken,
                    columns: nil)
            case .context:
                strides = Strides(
                    leftRow: scoreToken, leftDepth: .one, rightDepth: token, rightColumn: .one,
                    targetRow: token,
                    columns: .fixed(headSize))
            case .transposed:
                strides = Strides(
                    leftRow: .one, leftDepth: scoreToken, rightDepth: token, rightColumn: .one,
                    targetRow: token,
                    columns: .fixed(headSize))
            }
        }
        block = BlockProduct(
            tile: batch.tile,
            left: MatrixAccess(
                buffer: batch.left, rowStride: strides.leftRow, columnStride: strides.leftDepth),
            targetRow: strides.targetRow,
            masksColumns: strides.columns?.fixedValue.map { $0 % batch.tile.columns != 0 } ?? true)
    }

    private var storage: ScalarType { batch.tile.element.stored }

    var helpers: [KernelHelper] { [block.unit.helper] }

    func write(_ w: inout FunctionWriter) {
        w.forEachTask { w, task in
            switch batch.layout {
            case .dense(_, let m, let n, let k, _, _):
                let (rows, columns, depth) = (w.extent(m), w.extent(n), w.extent(k))
                func matrix(
                    _ w: inout FunctionWriter, _ buffer: Int, _ storage: ScalarType, _ a: I64, _ b: I64
                ) -> Pointer {
                    w.address(w.buffer(buffer), storage, w.mul(task, w.mul(a, b)))
                }
                let problem = Problem(
                    left: matrix(&w, batch.left, storage, rows, depth),
                    right: matrix(&w, batch.right, storage, depth, columns),
                    target: matrix(&w, batch.target, .float, rows, columns), m: rows, n: columns, k: depth)
                multiply(&w, problem)
            case .ragged(
                let form, let sequences, let tokens, let heads, let headSize, let length, let offsets,
                let lengths):
                let rows = SegmentRows(
                    &w, sequence: w.udiv(task, heads), offsets: offsets, lengths: lengths,
                    sequences: sequences, tokens: tokens)
                let head = Head(number: w.urem(task, heads), count: heads, size: headSize)
                writeRagged(&w, form, rows, head, length: w.extent(length))
            }
        }
    }

    private func writeRagged(
        _ w: inout FunctionWriter, _ form: RaggedForm, _ rows: SegmentRows, _ head: Head, length: I64
    ) {
        let isScores = form == .scores
        let count = w.min(rows.count, length)
        let size = I64(head.size)
        let targetWidth = isScores ? length : size
        let first = w.add(w.mul(rows.start, head.count), head.number)
        func base(_ w: inout FunctionWriter, _ buffer: Int, _ width: I64) -> Pointer {
            w.address(w.buffer(buffer), .float, w.mul(first, width))
        }
        let problem = Problem(
            left: base(&w, batch.left, isScores ? size : length), right: base(&w, batch.right, size),
            target: base(&w, batch.target, targetWidth), m: count, n: isScores ? count : size,
            k: isScores ? size : count)
        let column = w.address(w.buffer(batch.target), .float, w.mul(head.number, targetWidth))
        clear(&w, rows, from: column, written: problem.n, width: targetWidth)
        multiply(&w, problem)
    }

    /// Zeroes what the product leaves: columns from `written` on in real rows, whole rows elsewhere.
    private func clear(
        _ w: inout FunctionWriter, _ rows: SegmentRows, from base: Pointer, written: I64, width: I64
    ) {
        w.loop(from: rows.first, to: rows.end, by: 1) { w, row in
            let first = w.select(rows.isReal(&w, row), written, 0)
            let bytes = w.mul(w.sub(width, first), 4)
            let place = w.address(base, .float, w.add(w.mul(row, w.extent(strides.targetRow)), first))
            w.when(w.compare(.sgt, bytes, 0)) { w in w.clear(place, bytes: bytes) }
        }
    }

    private func multiply(_ w: inout FunctionWriter, _ problem: Problem) {
        let tile = batch.tile
        // Scratch: blocks of operands first (their size is fixed), then the panels.
        let panels = w.address(KernelParameters.scratch, .i8, tile.operandByteCount)
        let wholeDepth = w.roundUp(problem.k, to: tile.depthStep)
        let panelCount = w.ceilDivide(problem.n, tile.columns)
        let columnStride = w.extent(strides.rightColumn)
        w.loop(from: 0, to: panelCount, by: 1) { w, panel in
            let column = w.mul(panel, tile.columns)
            let right = PackWriter.Matrix(
                source: problem.right, rowStride: w.extent(strides.rightDepth), columnStride: columnStride,
                k: problem.k, n: problem.n)
            PackWriter(tile: tile).packRight(
                &w, right, column: column, panel: w.address(panels, storage, w.mul(column, wholeDepth)))
        }
        w.loop(from: 0, to: problem.m, by: tile.blockRows) { w, row in
            let leftRow = w.extent(strides.leftRow)
            let targetRow = w.extent(strides.targetRow)
            let left = BlockProduct.Left(
                address: w.address(problem.left, storage, w.mul(row, leftRow)), row: leftRow,
                depth: w.extent(strides.leftDepth))
            block.write(
                &w,
                BlockProduct.Operands(
                    left: left, panels: panels,
                    target: w.address(problem.target, .float, w.mul(row, targetRow)), targetRow: targetRow,
                    rows: w.min(w.sub(problem.m, row), tile.blockRows), columns: problem.n,
                    depth: problem.k, scratch: KernelParameters.scratch))
        }
    }
}
