import GraphIR
import KernelIR

/// Writes a row kernel block by block (`RowKernel.PanelBlocks`): the program for each row of the block, whose values for
/// panels stay in the task's memory, then each panel's part of it.
struct PanelBlockWriter {
    private typealias Blocks = RowKernel.PanelBlocks

    private let blocks: RowKernel.PanelBlocks
    private let width: Int
    /// Rows of the whole kernel, where they are known.
    private let rowCount: Int?
    private let row: RowWriter
    private let v: VectorWriter

    init?(_ kernel: RowKernel, lanes: Int) {
        guard let blocks = kernel.panelBlocks, let width = kernel.body.columns.fixedValue,
            Blocks.rows % lanes == 0, lanes > 1
        else { return nil }
        self.blocks = blocks
        self.width = width
        rowCount = kernel.rows.fixedValue
        row = RowWriter(blocks.body, lanes: lanes, width: blocks.columns, start: blocks.columns)
        v = VectorWriter(lanes: lanes)
    }

    /// Rows from `from`, which begins a block, to `to`, which ends one or is the last.
    func write(_ w: inout FunctionWriter, from: I64, to: I64) {
        w.loop(from: from, to: to, by: Blocks.rows) { w, first in
            let count = w.min(w.sub(to, first), Blocks.rows)
            w.loop(from: 0, to: I64(width), by: blocks.columns) { w, column in
                let span =
                    width % blocks.columns == 0
                    ? I64(blocks.columns) : w.min(w.sub(I64(width), column), blocks.columns)
                let block = Block(first: first, count: count, column: column, span: span)
                writeRows(&w, block)
                for (access, array) in blocks.stores { writePanels(&w, block, access, blocks.arrays[array]) }
            }
        }
    }

    /// Called once behind all rows: lines that went past the caches are there for whoever reads them next.
    func finish(_ w: inout FunctionWriter) { if writesLines { w.fence() } }

    /// Some rows and columns of the parameter.
    private struct Block {
        let first: I64
        let count: I64
        let column: I64
        let span: I64
    }

    private func writeRows(_ w: inout FunctionWriter, _ block: Block) {
        for (index, array) in blocks.arrays.enumerated() {
            // The program counts columns from the parameter's first.
            let start = w.address(KernelParameters.scratch, .i8, array.offset)
            w.bind(
                blocks.firstBuffer + index,
                to: w.address(start, array.element.stored, w.sub(0, block.column)))
        }
        w.loop(from: 0, to: block.count, by: 1) { w, index in
            row.write(
                &w, row: w.add(block.first, index), ColumnRange(from: block.column, span: block.span),
                RowWriter.Sums(columns: 0, total: 0))
            // A pair that the row ends within has zero in its high half.
            if width % 2 != 0 {
                for array in blocks.arrays where array.element == .bf16 {
                    w.store(I16(0), cell(&w, array, row: index, block.span))
                }
            }
        }
    }

    /// The address of a value that waits; rows and columns count from the block's.
    private func cell(_ w: inout FunctionWriter, _ array: Blocks.Array, row: I64, _ column: I64) -> Pointer {
        let index = w.add(w.mul(row, blocks.stride(array.element)), column)
        let start = w.address(KernelParameters.scratch, .i8, array.offset)
        return w.address(start, array.element.stored, index)
    }

    private func writePanels(
        _ w: inout FunctionWriter, _ block: Block, _ access: Access, _ array: Blocks.Array
    ) {
        let base = w.buffer(access.buffer)
        switch access.layout {
        case .rowMajor: preconditionFailure("rows do not wait")
        case .panels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            writeAcross(&w, block, array, panels, base)
        case .transposedPanels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            writeTransposed(&w, block, array, panels, base)
        }
    }

    /// Whether a vector is a line of the cache.
    private var writesLines: Bool { v.lanes * 4 == 64 }

    /// Whole lines go past the caches: all panels are written before the next run reads the first.
    private func store(_ w: inout FunctionWriter, _ cells: Vector<I32>, _ place: Pointer, mask: Mask?) {
        if mask == nil, writesLines {
            w.storeLine(cells, place)
        } else {
            v.store(&w, cells, place, mask: mask)
        }
    }

    // MARK: Rows of panels

    /// Rows of f32, or pairs of rows of bf16.
    private func writeAcross(
        _ w: inout FunctionWriter, _ block: Block, _ array: Blocks.Array, _ panels: PanelWriter,
        _ base: Pointer
    ) {
        let isWhole = width % v.lanes == 0 && blocks.columns % v.lanes == 0
        w.loop(from: 0, to: block.count, by: array.element == .bf16 ? 2 : 1) { w, index in
            w.loop(from: 0, to: block.span, by: v.lanes) { w, column in
                let cells =
                    array.element == .bf16
                    ? pairs(&w, block, array, index, column)
                    : v.load(&w, I32.self, cell(&w, array, row: index, column))
                let to = panels.address(
                    &w, base, .i32, panelled: w.add(block.column, column), inner: w.add(block.first, index))
                store(&w, cells, to, mask: isWhole ? nil : v.mask(&w, below: w.sub(block.span, column)))
            }
        }
    }

    /// A row and the next one; zero where the block ends within a pair.
    private func pairs(
        _ w: inout FunctionWriter, _ block: Block, _ array: Blocks.Array, _ index: I64, _ column: I64
    ) -> Vector<I32> {
        let second = w.add(index, 1)
        let low = v.load(&w, I16.self, cell(&w, array, row: index, column))
        let stored = v.load(&w, I16.self, cell(&w, array, row: second, column))
        let high = w.select(w.compare(.slt, second, block.count), stored, v.zero())
        let wide = w.convert(.zext, high, to: I32.self)
        return w.or(w.convert(.zext, low, to: I32.self), w.shl(wide, v.splat(&w, I32(16))))
    }

    // MARK: Transposed

    /// Squares of cells of 32 bits: one f32, or a pair of bf16.
    private func writeTransposed(
        _ w: inout FunctionWriter, _ block: Block, _ array: Blocks.Array, _ panels: PanelWriter,
        _ base: Pointer
    ) {
        let perCell = 4 / array.element.byteCount
        let step = v.lanes * perCell
        let isWhole = width % step == 0 && blocks.columns % step == 0
        w.loop(from: 0, to: block.span, by: step) { w, column in
            for part in stride(from: 0, to: Blocks.rows, by: v.lanes) {
                let square: [Vector<I32>] = (0..<v.lanes).map { lane in
                    v.load(&w, I32.self, cell(&w, array, row: I64(part + lane), column))
                }
                let mask =
                    rowCount.map { $0 % Blocks.rows == 0 } ?? false
                    ? nil : v.mask(&w, below: w.sub(block.count, part))
                let first = panels.address(
                    &w, base, .i32, panelled: w.add(block.first, part), inner: w.add(block.column, column))
                for (index, cells) in transposed(&w, square).enumerated() {
                    let to = w.address(first, .i32, index * panels.width)
                    if isWhole {
                        store(&w, cells, to, mask: mask)
                    } else {
                        let isThere = w.compare(.slt, w.add(column, index * perCell), block.span)
                        w.when(isThere) { w in v.store(&w, cells, to, mask: mask) }
                    }
                }
            }
        }
    }

    /// Vectors of the lanes of each number: swaps of halves of 2, 4, … vectors.
    private func transposed(_ w: inout FunctionWriter, _ square: [Vector<I32>]) -> [Vector<I32>] {
        var rows = square
        var step = 1
        while step < v.lanes {
            for index in rows.indices where index & step == 0 {
                let (a, b) = (rows[index], rows[index + step])
                let lanes = 0..<v.lanes
                rows[index] = w.shuffle(a, b, lanes.map { $0 & step == 0 ? $0 : v.lanes + $0 - step })
                rows[index + step] = w.shuffle(a, b, lanes.map { $0 & step == 0 ? $0 + step : v.lanes + $0 })
            }
            step *= 2
        }
        return rows
    }
}
