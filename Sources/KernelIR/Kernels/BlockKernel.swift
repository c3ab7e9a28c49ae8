import GraphIR

/// Products over blocks of rows, with row programs on what goes in and on what comes out: a task runs them one
/// behind the other while its rows are in the cache.
///
/// The blocks of `tile.blockRows` rows are cut into `tasks` even pieces. For each of its blocks a task runs the
/// prologue programs, and then for each chunk of columns the products (over their whole depth) and the epilogue.
package struct BlockKernel: Hashable, Sendable {
    /// Private memory of a task that is addressed like a buffer, by the numbers of the whole tensor: rows
    /// and columns of the current block, and of the current chunk where it is one.
    package struct Scratch: Hashable, Sendable {
        package enum Shape: Hashable, Sendable {
            /// `[blockRows, columns]`
            case rows(columns: Extent)
            /// `[blockRows, columns of one chunk]`
            case chunk
        }
        /// A number that no buffer of the launch has.
        package var buffer: Int
        package var shape: Shape
        package var element: ElementType

        package init(buffer: Int, shape: Shape, element: ElementType = .f32) {
            self.buffer = buffer
            self.shape = shape
            self.element = element
        }
    }

    /// `target[rows, columns] (+)= left[rows, k] · panels`, the left operand of the tile's element, the panels of its
    /// `panelElement`, the target f32; sums of i8 may also be left as i32.
    package struct Product: Hashable, Sendable {
        /// A buffer, or a prologue's scratch. With a row stride of 1 it comes transposed.
        package var left: MatrixAccess
        package var k: Extent
        package var panels: Int
        /// The panel with the first columns, of those in the buffer.
        package var firstPanel: Int
        /// A row-major `[rows, columns]` buffer, or scratch.
        package var target: Int
        /// Elements between the rows of a buffer that are not neighbours.
        package var targetStride: Extent?
        /// Whether the product adds to what an earlier one of the same kernel left in `target`.
        package var accumulates: Bool

        package init(
            left: MatrixAccess, k: Extent, panels: Int, firstPanel: Int = 0, target: Int,
            targetStride: Extent? = nil, accumulates: Bool = false
        ) {
            self.left = left
            self.k = k
            self.panels = panels
            self.firstPanel = firstPanel
            self.target = target
            self.targetStride = targetStride
            self.accumulates = accumulates
        }
    }

    package var rows: Extent
    /// Columns of every product and of the epilogue.
    package var columns: Extent
    package var tile: ContractionTile
    /// Pieces of the rows.
    package var tasks: Int
    /// Panels of one chunk of columns; `nil` when a task keeps whole rows, which an epilogue with row reductions
    /// needs.
    package var chunkPanels: Int?
    /// Whether chunks are tasks of their own, rather than a loop within one: task = chunk x pieces + piece of rows,
    /// so that neighbouring tasks share panels. Prologues must not have column sums or totals then.
    package var splitsChunks: Bool
    package var scratch: [Scratch]
    /// Run over whole rows of the block, in order.
    package var prologue: [RowProgram]
    package var products: [Product]
    package var epilogue: RowProgram?

    package init(
        rows: Extent, columns: Extent, tile: ContractionTile, tasks: Int, chunkPanels: Int?,
        splitsChunks: Bool = false, scratch: [Scratch] = [], prologue: [RowProgram] = [], products: [Product],
        epilogue: RowProgram? = nil
    ) {
        self.rows = rows
        self.columns = columns
        self.tile = tile
        self.tasks = tasks
        self.chunkPanels = chunkPanels
        self.splitsChunks = splitsChunks
        self.scratch = scratch
        self.prologue = prologue
        self.products = products
        self.epilogue = epilogue
    }
}

// Sizes of a block kernel, as lowering, the generator and the executor agree on them.

extension BlockKernel {
    /// Columns of a full chunk; `nil` when one chunk has all columns.
    package var chunkColumns: Int? {
        guard let chunkPanels else { return nil }
        let width = chunkPanels * tile.columns
        if let columns = columns.fixedValue, columns <= width { return nil }
        return width
    }

    /// Chunks of columns under `symbols`.
    package func chunkCount(_ symbols: [String: Int]) -> Int {
        chunkColumns.map { (columns.value(symbols) + $0 - 1) / $0 } ?? 1
    }

    /// Elements between the rows of a chunk's scratch: whole panels, so that register tiles need no masks.
    package var chunkStride: Extent { chunkColumns.map(Extent.fixed) ?? tile.padded(columns) }

    /// Elements between the rows of a scratch buffer.
    package func rowStride(_ scratch: Scratch) -> Extent {
        switch scratch.shape {
        case .rows(let columns): columns
        case .chunk: chunkStride
        }
    }

    /// The scratch that `buffer` stands for, if it does.
    package func scratch(_ buffer: Int) -> Scratch? { scratch.first { $0.buffer == buffer } }

    /// Elements between the rows of a product's target.
    package func targetStride(_ product: Product) -> Extent {
        scratch(product.target).map(rowStride) ?? product.targetStride ?? columns
    }

    /// What a product leaves in its target. Sums of i8 are i32 in buffers, and what they are read as in scratch.
    package func targetElement(_ product: Product) -> ElementType {
        scratch(product.target)?.element ?? (tile.element == .i8 ? .i32 : .f32)
    }

    /// Bytes of a scratch buffer: whole cache lines, since a block has a multiple of 16 rows.
    package func byteCount(_ scratch: Scratch) -> Extent {
        .fixed(tile.blockRows * scratch.element.byteCount) * rowStride(scratch)
    }

    /// Bytes of the blocks of operands that are packed or widened, which the task's memory begins with; none when no
    /// product needs them.
    package var operandByteCount: Int {
        let packs = tile.widens || !tile.runsOnTiles && products.contains { $0.left.isTransposed }
        return packs ? tile.operandByteCount : 0
    }

    /// A left operand that tiles can't read as it is: its block of rows is copied, as one plane of bf16 a term, into
    /// the task's memory.
    package struct LeftPlanes: Hashable, Sendable {
        package let left: MatrixAccess
        package let k: Extent
        /// Bytes of all planes: whole cache lines.
        package let byteCount: Extent
    }

    /// The planes of the products' left operands, each once, in the order in which the task's memory begins with them.
    package var leftPlanes: [LeftPlanes] {
        guard tile.runsOnTiles else { return [] }
        var all: [LeftPlanes] = []
        for product in products where product.left.isTransposed || tile.terms > 1 {
            let planes = LeftPlanes(
                left: product.left, k: product.k,
                byteCount: tile.planeStride(product.k) * .fixed(tile.blockRows * tile.terms * 2))
            if !all.contains(planes) { all.append(planes) }
        }
        return all
    }
}

extension BlockKernel: KernelTemplate {
    package var templateName: String { "block" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int {
        splitsChunks ? tasks * chunkCount(symbols) : tasks
    }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int {
        let planes = leftPlanes.reduce(operandByteCount) { $0 + $1.byteCount.value(symbols) }
        return scratch.reduce(planes) { $0 + byteCount($1).value(symbols) }
    }

    package var contractionElement: ElementType? { tile.element }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int {
        let elements = rows.value(symbols) * columns.value(symbols)
        return products.reduce(0) { $0 + 2 * elements * $1.k.value(symbols) }
    }

    package func flopCount(_ symbols: [String: Int]) -> Int {
        let programs = prologue + (epilogue.map { [$0] } ?? [])
        return programs.reduce(contractionFlopCount(symbols)) {
            $0 + $1.flopCount * rows.value(symbols) * $1.columns.value(symbols)
        }
    }

    package func instructionCount(_ symbols: [String: Int]) -> Int {
        let programs = prologue + (epilogue.map { [$0] } ?? [])
        return programs.reduce(0) {
            $0 + $1.instructionCount * rows.value(symbols) * $1.columns.value(symbols)
        }
    }

    package func countTraffic(_ counter: inout TrafficCounter) {
        // What the kernel has written it still has in the cache when it reads it: only the write counts.
        let (rows, columns) = (rows.value(counter.symbols), columns.value(counter.symbols))
        for program in prologue { counter.count(program, rows: rows, tasks: tasks) }
        for product in products {
            let k = product.k.value(counter.symbols)
            counter.readUnlessWritten(product.left.buffer, rows * k)
            counter.readPanels(product.panels, tile, k, columns, from: product.firstPanel)
            if product.accumulates { counter.readUnlessWritten(product.target, rows * columns) }
            counter.write(product.target, rows * columns)
        }
        if let epilogue {
            counter.countUnlessWritten { $0.count(epilogue, rows: rows, tasks: tasks) }
        }
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.tasks(tasks)
        try verifier.extents([rows, columns])
        try verifier.require(.sizes, chunkPanels ?? 1 > 0, "chunks of no panels")
        for scratch in scratch {
            try verifier.extents([rowStride(scratch)])
            try verifier.addScratch(scratch.buffer, scratch.element)
        }
        let isWhole = chunkColumns == nil
        for program in prologue {
            try verifier.check(program, rows: rows, sums: splitsChunks ? nil : (tasks, tasks), reduces: true)
        }
        var targets: Set<Int> = []
        for product in products {
            try verifier.extents([product.k, product.left.rowStride, product.left.columnStride])
            try verifier.read(
                product.left.buffer, tile.element,
                strides: [product.left.rowStride, product.left.columnStride])
            try verifier.readPanels(product.panels, tile, k: product.k, n: columns, from: product.firstPanel)
            let isFirst = targets.insert(product.target).inserted
            try verifier.require(
                .workingMemory, isFirst != product.accumulates,
                isFirst
                    ? "b\(product.target) is added to before it is written"
                    : "b\(product.target) is written twice")
            let element = targetElement(product)
            try verifier.require(
                .elements, element == .f32 || element == .i32 && tile.element == .i8,
                "a product leaves \(element.rawValue)")
            try verifier.require(
                .workingMemory, tile.element != .i8 || !product.accumulates && !product.left.isTransposed,
                "sums of i8 are not added up, nor their left operand transposed")
            try verifier.write(product.target, element, strides: [targetStride(product)])
        }
        guard let epilogue else { return }
        // How many totals chunks of symbolic columns would leave is not known.
        let pieces = splitsChunks ? columns.fixedValue.map { _ in chunkCount([:]) } : 1
        let sums = pieces.map { (rows: tasks, totals: tasks * $0) }
        try verifier.check(epilogue, rows: rows, sums: sums, reduces: isWhole)
    }
}

extension BlockKernel {
    package var description: String {
        var text = "  block \(rows) x \(columns) in \(tasks) pieces of blocks of \(tile.blockRows) rows, "
        if let chunkColumns {
            text += "chunks of \(chunkColumns) columns\(splitsChunks ? " as tasks" : ""), "
        }
        text += "tile \(tile) {\n"
        for scratch in scratch {
            text +=
                "    scratch b\(scratch.buffer) \(scratch.element)[\(tile.blockRows) x \(rowStride(scratch))]\n"
        }
        func describe(_ role: String, _ program: RowProgram) -> String {
            "    \(role) over \(program.columns) columns {\n" + program.lines(indent: "      ") + "    }\n"
        }
        for program in prologue { text += describe("prologue", program) }
        for product in products {
            let sign = product.accumulates ? "+=" : "="
            let first = product.firstPanel > 0 ? " from panel \(product.firstPanel)" : ""
            let right = "panels b\(product.panels)\(first) [k \(product.k)]"
            let rows = product.targetStride.map { " in rows \($0) apart" } ?? ""
            text += "    b\(product.target)\(rows) \(sign) \(product.left) · \(right)\n"
        }
        if let epilogue { text += describe("epilogue", epilogue) }
        return text + "  }\n"
    }
}
