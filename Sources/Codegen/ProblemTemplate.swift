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

    init(_ batch: ProductBatch, name: String) {
        self.batch = batch
        switch batch.layout {
        case .dense(_, _, let n, _, let left, let right):
            strides = Strides(
                leftRow: left.rowStride, leftDepth: left.columnStride, rightDepth: right.rowStride,
                rightColumn: right.columnStride, targetRow: n, columns: n)
        case .ragged(let form, _, let heads, let headSize, let length, _, _):
            let token = Extent.fixed(heads * headSize)
            let scoreToken = Extent.fixed(heads) * length
            switch form {
            case .scores:
                strides = Strides(
                    leftRow: token, leftDepth: .one, rightDepth: .one, rightColumn: token, targetRow: scoreToken,
                    columns: nil)
            case .context:
                strides = Strides(
                    leftRow: scoreToken, leftDepth: .one, rightDepth: token, rightColumn: .one, targetRow: token,
                    columns: .fixed(headSize))
            case .transposed:
                strides = Strides(
                    leftRow: .one, leftDepth: scoreToken, rightDepth: token, rightColumn: .one, targetRow: token,
                    columns: .fixed(headSize))
            }
        }
        block = BlockProduct(
            tile: batch.tile, left: (strides.leftRow, strides.leftDepth), targetRow: strides.targetRow,
            columns: strides.columns, name: name)
    }

    var helpers: String { block.micro.text }

    func write(_ w: inout FunctionWriter) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, task, _ in
            switch batch.layout {
            case .dense(let count, let m, let n, let k, _, _): 
                _ = count
                let (rows, columns, depth) = (w.extent(m), w.extent(n), w.extent(k))
                func matrix(_ w: inout FunctionWriter, _ buffer: Int, _ a: String, _ b: String) -> String {
                    w.address(w.buffer(buffer), "float", w.mul(task, w.mul(a, b)))
                }
                let problem = Problem(
                    left: matrix(&w, batch.left, rows, depth), right: matrix(&w, batch.right, depth, columns),
                    target: matrix(&w, batch.target, rows, columns), m: rows, n: columns, k: depth)
                multiply(&w, problem)
            case .ragged(let form, _, let heads, let headSize, let length, let offsets, let lengths):
                writeRagged(
                    &w, task, form, heads: heads, headSize: headSize, length: w.extent(length), offsets: offsets,
                    lengths: lengths)
            }
            return []
        }
    }

    private func writeRagged(
        _ w: inout FunctionWriter, _ task: String, _ form: RaggedForm, heads: Int, headSize: Int, length: String,
        offsets: Int, lengths: Int
    ) {
        let sequence = w.value("udiv i64 \(task), \(heads)")
        let head = w.value("urem i64 \(task), \(heads)")
        func integer(_ w: inout FunctionWriter, _ buffer: Int, _ index: String) -> String {
            let loaded = w.value("load i32, ptr \(w.address(w.buffer(buffer), "i32", index)), align 4")
            return w.value("sext i32 \(loaded) to i64")
        }
        let start = integer(&w, offsets, sequence)
        let end = integer(&w, offsets, w.value("add i64 \(sequence), 1"))
        let slot = w.sub(end, start)
        // Never beyond the slot or the key axis, whatever the lengths say.
        let count = w.max(w.min(w.min(integer(&w, lengths, sequence), slot), length), "0")
        let first = w.add(w.mul(start, "\(heads)"), head)
        func base(_ w: inout FunctionWriter, _ buffer: Int, _ width: String) -> String {
            w.address(w.buffer(buffer), "float", w.mul(first, width))
        }
        let isScores = form == .scores
        let problem = Problem(
            left: base(&w, batch.left, isScores ? "\(headSize)" : length), right: base(&w, batch.right, "\(headSize)"),
            target: base(&w, batch.target, isScores ? length : "\(headSize)"), m: count,
            n: isScores ? count : "\(headSize)", k: isScores ? "\(headSize)" : count)
        clear(&w, problem, slot: slot, width: isScores ? length : "\(headSize)")
        multiply(&w, problem)
    }

    /// Zeroes what the product leaves: columns from n on in real rows, whole rows at padding.
    private func clear(_ w: inout FunctionWriter, _ problem: Problem, slot: String, width: String) {
        w.loop(from: "0", to: slot, by: 1) { w, row, _ in
            let real = w.value("icmp slt i64 \(row), \(problem.m)")
            let first = w.value("select i1 \(real), i64 \(problem.n), i64 0")
            let bytes = w.mul(w.sub(width, first), "4")
            let offset = w.add(w.mul(row, w.extent(strides.targetRow)), first)
            let place = w.address(problem.target, "float", offset)
            w.when(w.value("icmp sgt i64 \(bytes), 0")) { w in
                w.line("call void @llvm.memset.p0.i64(ptr \(place), i8 0, i64 \(bytes), i1 false)")
            }
            return []
        }
    }

    private func multiply(_ w: inout FunctionWriter, _ problem: Problem) {
        let tile = batch.tile
        // Scratch: the left block first (its size is fixed), then the panels.
        let panels = w.address("%scratch", "float", "\(tile.blockRows * tile.depth)")
        let panelCount = w.ceilDivide(problem.n, tile.columns)
        let columnStride = strides.rightColumn == .one ? "1" : w.extent(strides.rightColumn)
        w.loop(from: "0", to: panelCount, by: 1) { w, panel, _ in
            let column = w.mul(panel, "\(tile.columns)")
            PackWriter(tile: tile).packRight(
                &w, source: problem.right, rowStride: w.extent(strides.rightDepth), columnStride: columnStride,
                column: column, n: problem.n, k: problem.k,
                panel: w.address(panels, "float", w.mul(column, problem.k)))
            return []
        }
        w.loop(from: "0", to: problem.m, by: tile.blockRows) { w, row, _ in
            let leftRow = w.extent(strides.leftRow)
            let targetRow = w.extent(strides.targetRow)
            block.write(
                &w,
                BlockProduct.Operands(
                    left: w.address(problem.left, "float", w.mul(row, leftRow)), leftRow: leftRow,
                    leftDepth: w.extent(strides.leftDepth), panels: panels,
                    target: w.address(problem.target, "float", w.mul(row, targetRow)), targetRow: targetRow,
                    rows: w.min(w.sub(problem.m, row), "\(tile.blockRows)"), columns: problem.n, depth: problem.k,
                    scratch: "%scratch"))
            return []
        }
    }
}
