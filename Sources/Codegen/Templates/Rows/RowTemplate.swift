import GraphIR
import KernelIR

/// Writes a row kernel: for each row of the task its program, pass by pass.
struct RowTemplate {
    let kernel: RowKernel
    private let row: RowWriter
    /// Writes the rows in their place where panels are written.
    private let blocks: PanelBlockWriter?
    /// Whether a single row is split over its columns: nothing in it may need all of them.
    private let splitsColumns: Bool
    /// Columns of a piece of a single row, but for the last one, are a multiple of this.
    private let pieceColumns: Int

    init(kernel: RowKernel, lanes: Int) {
        self.kernel = kernel
        splitsColumns = kernel.rows == .one && kernel.body.worksOnChunks && !kernel.body.hasColumnSums
        blocks = PanelBlockWriter(kernel, lanes: lanes)
        pieceColumns = 16 * (kernel.body.ops.compactMap(\.vectorsOfCall).max() ?? 4)
        row = RowWriter(
            kernel.body, lanes: lanes, width: kernel.body.columns.fixedValue, start: pieceColumns)
    }

    func write(_ w: inout FunctionWriter) {
        w.forEachTask { w, task in
            let columns = ColumnRange(from: 0, span: w.extent(kernel.body.columns))
            let sums = RowWriter.Sums(columns: task, total: task)
            row.clear(&w, sums, columns)
            if splitsColumns {
                let (from, to) = w.piece(task, of: kernel.tasks, total: columns.span, multiple: pieceColumns)
                row.write(&w, row: 0, ColumnRange(from: from, span: w.sub(to, from)), sums)
            } else {
                let (from, to) = w.piece(
                    task, of: kernel.tasks, total: w.extent(kernel.rows),
                    multiple: blocks != nil ? RowKernel.PanelBlocks.rows : kernel.body.writesRowPairs ? 2 : 1)
                if let blocks { return blocks.write(&w, from: from, to: to) }
                w.loop(from: from, to: to, by: 1) { w, index in row.write(&w, row: index, columns, sums) }
            }
        }
        blocks?.finish(&w)
    }
}

extension RowProgram {
    /// Whether two rows share memory that both write, the first of them first (`PanelWriter.storeColumns`).
    fileprivate var writesRowPairs: Bool {
        stores.contains { store in
            if case .element(let access, _) = store, access.element == .bf16, case .panels = access.layout {
                true
            } else {
                false
            }
        }
    }
}

extension FunctionWriter {
    /// The half-open range of the even piece `index` of `total`, in steps of `multiple`.
    mutating func piece(
        _ index: I64, of count: Int, total: I64, multiple: Int = 1
    ) -> (from: I64, to: I64) {
        count > 1 ? piece(index, of: I64(count), total: total, multiple: I64(multiple)) : (0, total)
    }

    /// The same of a number of pieces that is known only when the kernel runs.
    mutating func piece(
        _ index: I64, of count: I64, total: I64, multiple: I64 = 1
    ) -> (from: I64, to: I64) {
        let units = ceilDivide(total, multiple)
        func boundary(_ w: inout FunctionWriter, _ index: I64) -> I64 {
            let unit = w.udiv(w.mul(index, units), count)
            return multiple.constant == 1 ? unit : w.min(w.mul(unit, multiple), total)
        }
        let from = boundary(&self, index)
        return (from, boundary(&self, add(index, 1)))
    }
}
