import GraphIR
import KernelIR

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
        var left: String
        var right: String
        var target: String
        var m: String
        var n: String
        var k: String
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

    private var storage: String { VectorWriter.storageName(batch.tile.element) }

    func helpers(_ bf16: BF16Unit) -> String { block.unit.text(bf16) }

    func write(_ w: inout FunctionWriter) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, task, _ in
            switch batch.layout {
            case .dense(_, let m, let n, let k, _, _):
                let (rows, columns, depth) = (w.extent(m), w.extent(n), w.extent(k))
                func matrix(
                    _ w: inout FunctionWriter, _ buffer: Int, _ storage: String, _ a: String, _ b: String
                ) -> String {
                    w.address(w.buffer(buffer), storage, w.mul(task, w.mul(a, b)))
                }
                let problem = Problem(
                    left: matrix(&w, batch.left, storage, rows, depth),
                    right: matrix(&w, batch.right, storage, depth, columns),
                    target: matrix(&w, batch.target, "float", rows, columns), m: rows, n: columns, k: depth)
                multiply(&w, problem)
            case .ragged(
                let form, let sequences, let tokens, let heads, let headSize, let length, let offsets,
                let lengths):
                let rows = SegmentRows(
                    &w, sequence: w.value("udiv i64 \(task), \(heads)"), offsets: offsets, lengths: lengths,
                    sequences: sequences, tokens: tokens)
                let head = w.value("urem i64 \(task), \(heads)")
                writeRagged(&w, form, rows, head, heads: heads, headSize: headSize, length: w.extent(length))
            }
            return []
        }
    }

    private func writeRagged(
        _ w: inout FunctionWriter, _ form: RaggedForm, _ rows: SegmentRows, _ head: String, heads: Int,
        headSize: Int,
        length: String
    ) {
        let isScores = form == .scores
        let count = w.min(rows.count, length)
        let targetWidth = isScores ? length : "\(headSize)"
        let first = w.add(w.mul(rows.start, "\(heads)"), head)
        func base(_ w: inout FunctionWriter, _ buffer: Int, _ width: String) -> String {
            w.address(w.buffer(buffer), "float", w.mul(first, width))
        }
        let problem = Problem(
            left: base(&w, batch.left, isScores ? "\(headSize)" : length),
            right: base(&w, batch.right, "\(headSize)"),
            target: base(&w, batch.target, targetWidth), m: count, n: isScores ? count : "\(headSize)",
            k: isScores ? "\(headSize)" : count)
        let column = w.address(w.buffer(batch.target), "float", w.mul(head, targetWidth))
        clear(&w, rows, from: column, written: problem.n, width: targetWidth)
        multiply(&w, problem)
    }

    /// Zeroes what the product leaves: columns from `written` on in real rows, whole rows elsewhere.
    private func clear(
        _ w: inout FunctionWriter, _ rows: SegmentRows, from base: String, written: String, width: String
    ) {
        w.loop(from: rows.first, to: rows.end, by: 1) { w, row, _ in
            let first = w.value("select i1 \(rows.isReal(&w, row)), i64 \(written), i64 0")
            let bytes = w.mul(w.sub(width, first), "4")
            let place = w.address(base, "float", w.add(w.mul(row, w.extent(strides.targetRow)), first))
            w.when(w.value("icmp sgt i64 \(bytes), 0")) { w in
                w.line("call void @llvm.memset.p0.i64(ptr \(place), i8 0, i64 \(bytes), i1 false)")
            }
            return []
        }
    }

    private func multiply(_ w: inout FunctionWriter, _ problem: Problem) {
        let tile = batch.tile
        // Scratch: the left block first (its size is fixed), then the panels.
        let panels = w.address("%scratch", "i8", "\(tile.leftBlockByteCount)")
        let wholeDepth = w.roundUp(problem.k, to: tile.depthStep)
        let panelCount = w.ceilDivide(problem.n, tile.columns)
        let columnStride = strides.rightColumn == .one ? "1" : w.extent(strides.rightColumn)
        w.loop(from: "0", to: panelCount, by: 1) { w, panel, _ in
            let column = w.mul(panel, "\(tile.columns)")
            PackWriter(tile: tile).packRight(
                &w, source: problem.right, rowStride: w.extent(strides.rightDepth),
                columnStride: columnStride,
                column: column, n: problem.n, k: problem.k,
                panel: w.address(panels, storage, w.mul(column, wholeDepth)))
            return []
        }
        w.loop(from: "0", to: problem.m, by: tile.blockRows) { w, row, _ in
            let leftRow = w.extent(strides.leftRow)
            let targetRow = w.extent(strides.targetRow)
            block.write(
                &w,
                BlockProduct.Operands(
                    left: w.address(problem.left, storage, w.mul(row, leftRow)), leftRow: leftRow,
                    leftDepth: w.extent(strides.leftDepth), panels: panels,
                    target: w.address(problem.target, "float", w.mul(row, targetRow)), targetRow: targetRow,
                    rows: w.min(w.sub(problem.m, row), "\(tile.blockRows)"), columns: problem.n,
                    depth: problem.k,
                    scratch: "%scratch"))
            return []
        }
    }
}
