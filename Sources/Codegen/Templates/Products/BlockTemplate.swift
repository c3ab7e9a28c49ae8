import GraphIR
import KernelIR
import Target

/// Writes a block kernel: for each block of rows of the task the prologue programs, then for each chunk of columns
/// the products and the epilogue.
struct BlockTemplate {
    private let kernel: BlockKernel
    private let prologue: [RowWriter]
    private let products: [BlockProduct]
    private let epilogue: RowWriter?

    /// Rows `from ..< from + count`.
    private struct Rows {
        let from: I64
        let count: I64
    }

    /// A block of rows, and what belongs to its task.
    private struct Block {
        let rows: Rows
        let sums: RowWriter.Sums
        let tileState: Pointer?
    }

    init(_ kernel: BlockKernel) {
        self.kernel = kernel
        let lanes = kernel.tile.lanes
        let chunked = kernel.chunkColumns != nil
        precondition(
            !chunked || kernel.epilogue?.worksOnChunks ?? true, "row reductions need whole rows in one chunk")
        precondition(
            !chunked || !kernel.splitsChunks || kernel.prologue.allSatisfy { !$0.addsUp },
            "the tasks of several chunks would add up a prologue's sums again")
        prologue = kernel.prologue.map { RowWriter($0, lanes: lanes, width: $0.columns.fixedValue) }
        let width = kernel.chunkColumns ?? kernel.columns.fixedValue
        // What comes from products of 16 bits or less needs no more of functions; sums of several terms are f32 again.
        let isShort = kernel.tile.element.byteCount <= 2 && kernel.tile.terms == 1
        epilogue = kernel.epilogue.map {
            RowWriter($0, lanes: lanes, width: width, precision: isShort ? .short : .full)
        }
        products = kernel.products.map { product in
            let fits = kernel.columns.fixedValue.map { $0 % kernel.tile.columns == 0 } ?? false
            let isPadded = kernel.scratch(product.target)?.shape == .chunk
            return BlockProduct(
                tile: kernel.tile, left: product.left, targetRow: kernel.targetStride(product),
                targetElement: kernel.targetElement(product), masksColumns: !fits && !isPadded)
        }
    }

    /// The functions that the kernel calls, each once.
    var helpers: [KernelHelper] {
        var known: Set<KernelHelper> = []
        return products.map(\.unit.helper).filter { known.insert($0).inserted }
    }

    func write(_ w: inout FunctionWriter) {
        let tileState = kernel.tile.runsOnTiles ? TileKernel.enter(&w, terms: kernel.tile.terms) : nil
        w.forEachTask { w, task in
            var (piece, chunk) = (task, ColumnRange(from: 0, span: w.extent(kernel.columns)))
            if kernel.splitsChunks, let width = kernel.chunkColumns {
                piece = w.urem(task, kernel.tasks)
                let number = w.udiv(task, kernel.tasks)
                chunk = self.chunk(&w, from: w.mul(number, width), width)
            }
            let sums = RowWriter.Sums(columns: piece, total: task)
            for row in prologue { row.clear(&w, sums, ColumnRange(from: 0, span: w.extent(row.columns))) }
            epilogue?.clear(&w, sums, chunk)
            let unit = rowUnit(&w)
            let blocks = blockCount(&w, unit)
            let (from, to) = w.piece(piece, of: kernel.tasks, total: blocks)
            w.loop(from: from, to: to, by: 1) { w, index in
                let block = Block(rows: rows(&w, of: index, blocks, unit), sums: sums, tileState: tileState)
                writeBlock(&w, block, chunk)
            }
        }
        if kernel.tile.runsOnTiles { TileKernel.leave(&w) }
    }

    /// Rows that blocks are made of: those of the register tile, or of AMX's two. Of a few rows, the four of a smaller tile, so
    /// that two cores share them; where they are added up, that would be in another order.
    private func rowUnit(_ w: inout FunctionWriter) -> I64 {
        let tile = kernel.tile
        guard !tile.runsOnTiles else { return I64(tile.blockRows) }
        guard !(kernel.prologue + [kernel.epilogue].compactMap(\.self)).contains(where: \.addsUp) else {
            return I64(tile.rows)
        }
        let isShort = w.compare(.sle, w.extent(kernel.rows), I64(2 * tile.blockRows))
        return w.select(isShort, 4, I64(tile.rows))
    }

    /// Blocks of at most `blockRows` rows, in pairs where there are rows for that: with an odd one the other of two cores
    /// would wait for it, for all of a short text's time. The number of workers itself must not change what is added up.
    private func blockCount(_ w: inout FunctionWriter, _ unit: I64) -> I64 {
        let count = w.ceilDivide(w.extent(kernel.rows), kernel.tile.blockRows)
        return w.min(w.roundUp(count, to: 2), w.ceilDivide(w.extent(kernel.rows), unit))
    }

    /// An even share of the rows, in whole units.
    private func rows(_ w: inout FunctionWriter, of block: I64, _ blocks: I64, _ unit: I64) -> Rows {
        let total = w.extent(kernel.rows)
        let (from, to) = w.piece(block, of: blocks, total: total, multiple: unit)
        return Rows(from: from, count: w.sub(to, from))
    }

    private func chunk(_ w: inout FunctionWriter, from: I64, _ width: Int) -> ColumnRange {
        if let columns = kernel.columns.fixedValue, columns % width == 0 {
            return ColumnRange(from: from, span: I64(width))
        }
        return ColumnRange(from: from, span: w.min(w.sub(w.extent(kernel.columns), from), width))
    }

    private func writeBlock(_ w: inout FunctionWriter, _ block: Block, _ chunk: ColumnRange) {
        let rows = block.rows
        let (planes, places) = scratchPlaces(&w)
        for (scratch, place) in zip(kernel.scratch, places) where scratch.shape != .chunk {
            bind(&w, scratch, at: place, row: rows.from, column: 0)
        }
        for program in prologue {
            forEachRow(&w, rows) { w, row in
                let columns = ColumnRange(from: 0, span: w.extent(program.columns))
                program.write(&w, row: row, columns, block.sums)
            }
        }
        for (planes, place) in zip(kernel.leftPlanes, planes) { write(&w, planes, rows, to: place) }
        let lefts = kernel.products.map { left(&w, $0, rows, planes) }
        func writeChunk(_ w: inout FunctionWriter, _ chunk: ColumnRange) {
            for (scratch, place) in zip(kernel.scratch, places) where scratch.shape == .chunk {
                bind(&w, scratch, at: place, row: rows.from, column: chunk.from)
            }
            for (index, left) in lefts.enumerated() { writeProduct(&w, index, left, block, chunk) }
            guard let epilogue else { return }
            forEachRow(&w, rows) { w, row in epilogue.write(&w, row: row, chunk, block.sums) }
        }
        guard !kernel.splitsChunks, let width = kernel.chunkColumns else { return writeChunk(&w, chunk) }
        w.loop(from: 0, to: w.extent(kernel.columns), by: width) { w, column in
            writeChunk(&w, self.chunk(&w, from: column, width))
        }
    }

    private func forEachRow(
        _ w: inout FunctionWriter, _ rows: Rows, _ body: (inout FunctionWriter, _ row: I64) -> Void
    ) {
        w.loop(from: rows.from, to: w.add(rows.from, rows.count), by: 1, body)
    }

    // MARK: Scratch

    /// The addresses of left operands' planes and of scratch buffers in the task's memory, behind the packed
    /// blocks.
    private func scratchPlaces(_ w: inout FunctionWriter) -> (planes: [Pointer], scratch: [Pointer]) {
        var offset = I64(kernel.operandByteCount)
        func place(_ byteCount: Extent) -> Pointer {
            let place = w.address(KernelParameters.scratch, .i8, offset)
            offset = w.add(offset, w.extent(byteCount))
            return place
        }
        let planes = kernel.leftPlanes.map { place($0.byteCount) }
        return (planes, kernel.scratch.map { place(kernel.byteCount($0)) })
    }

    /// Binds a buffer so that element (`row`, `column`) of the whole tensor is at `place`.
    private func bind(
        _ w: inout FunctionWriter, _ scratch: BlockKernel.Scratch, at place: Pointer, row: I64, column: I64
    ) {
        let index = w.add(w.mul(row, w.extent(kernel.rowStride(scratch))), column)
        let bias = w.negative(index)
        w.bind(scratch.buffer, to: w.address(place, scratch.element.stored, bias))
    }

    // MARK: Left operands

    private func address(_ w: inout FunctionWriter, _ left: MatrixAccess, _ rows: Rows) -> Pointer {
        let offset = w.mul(rows.from, w.extent(left.rowStride))
        return w.address(w.buffer(left.buffer), kernel.tile.element.stored, offset)
    }

    /// Elements between the rows of a plane (`ContractionTile.planeStep`).
    private func planeStride(_ w: inout FunctionWriter, _ depth: Extent) -> I64 {
        let whole = w.roundUp(w.extent(depth), to: ContractionTile.planeStep)
        return w.add(whole, ContractionTile.planeLine)
    }

    /// Copies a block of rows into planes.
    private func write(
        _ w: inout FunctionWriter, _ planes: BlockKernel.LeftPlanes, _ rows: Rows, to place: Pointer
    ) {
        let tile = kernel.tile
        let source = address(&w, planes.left, rows)
        let stride = planeStride(&w, planes.k)
        if planes.left.isTransposed {
            let left = PackWriter.TransposedRows(
                source: source, depthStride: w.extent(planes.left.columnStride), rows: rows.count,
                depth: w.extent(planes.k))
            PackWriter(tile: tile).packPlanes(&w, left, stride: stride, planes: place)
        } else {
            let copied = TermWriter.Rows(
                source: source, sourceRow: w.extent(planes.left.rowStride), rows: rows.count,
                columns: w.extent(planes.k), planes: place, planeRow: stride,
                planeTerm: w.mul(stride, tile.blockRows))
            TermWriter(terms: tile.terms, lanes: tile.lanes).writeRows(&w, copied)
        }
    }

    /// A product's left operand where it stands, or in its planes.
    private func left(
        _ w: inout FunctionWriter, _ product: BlockKernel.Product, _ rows: Rows, _ planes: [Pointer]
    ) -> BlockProduct.Left {
        let index = kernel.leftPlanes.firstIndex { $0.left == product.left && $0.k == product.k }
        guard let index else {
            return BlockProduct.Left(
                address: address(&w, product.left, rows), row: w.extent(product.left.rowStride),
                depth: w.extent(product.left.columnStride))
        }
        let stride = planeStride(&w, product.k)
        return BlockProduct.Left(
            address: planes[index], row: stride, depth: 1, term: w.mul(stride, kernel.tile.blockRows))
    }

    // MARK: Products

    /// The product `index` of the kernel over a chunk of columns.
    private func writeProduct(
        _ w: inout FunctionWriter, _ index: Int, _ left: BlockProduct.Left, _ block: Block,
        _ chunk: ColumnRange
    ) {
        let (tile, product) = (kernel.tile, kernel.products[index])
        let depth = w.extent(product.k)
        let column = w.add(chunk.from, product.firstPanel * tile.columns)
        let panels = w.mul(column, w.mul(tile.panelDepth(&w, depth), tile.terms))
        let targetRow = w.extent(kernel.targetStride(product))
        let target = w.add(w.mul(block.rows.from, targetRow), chunk.from)
        products[index].write(
            &w,
            BlockProduct.Operands(
                left: left, panels: w.address(w.buffer(product.panels), tile.panelElement.stored, panels),
                target: w.address(w.buffer(product.target), .float, target), targetRow: targetRow,
                rows: block.rows.count, columns: chunk.span, depth: depth, scratch: KernelParameters.scratch,
                accumulates: product.accumulates, tileState: block.tileState))
    }
}

extension RowProgram {
    /// Whether the program has sums over the rows of a task.
    fileprivate var addsUp: Bool {
        stores.contains { store in
            switch store {
            case .element: false
            case .columnSum, .total: true
            }
        }
    }
}
