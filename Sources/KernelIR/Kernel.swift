import GraphIR

/// One kernel: phases that run one after the other, each split into tasks that may run at the same time.
///
/// A kernel names its buffers by position; the launch binds them. Two nodes with equal kernels share their code.
public struct Kernel: Hashable, Sendable {
    /// A readable name, e.g. `matmul` or `layer_norm`; not unique.
    public let name: String
    package let phases: [Phase]

    package init(_ name: String, _ phases: [Phase]) {
        self.name = name
        self.phases = phases
    }
}

/// One parallel loop of a kernel.
package enum Phase: Hashable, Sendable {
    case rows(RowKernel)
    case pack(PackPanels)
    case block(BlockKernel)
    case problems(ProductBatch)
    case attention(AttentionKernel)
    case library(LibraryMatmul)
    case scatterAdd(ScatterAdd)
    case coalesce(CoalesceRows)
    case segments(SegmentKernel)
    case copy(StridedCopy)
}

/// What is computed for every element of a row, and once a row.
///
/// The generator cuts the program into passes over the columns: a reduction of pass p can be used from pass
/// p + 1 on. What a later pass needs is loaded again when an earlier pass stored it, else computed again.
package struct RowProgram: Hashable, Sendable {
    package enum Store: Hashable, Sendable {
        case element(Access, ElementID)
        /// Adds up the rows of one task, column by column, into row `task` of a `[tasks, columns]` f32 buffer.
        case columnSum(buffer: Int, ElementID)
        /// Adds up all elements of one task into element `task` of an f32 buffer.
        case total(buffer: Int, ElementID)
    }

    package var columns: Extent
    package var ops: [ElementOp]
    package var stores: [Store]

    package init(columns: Extent, ops: [ElementOp], stores: [Store]) {
        self.columns = columns
        self.ops = ops
        self.stores = stores
    }
}

/// A row program over all rows: maps, row reductions, column sums and totals in one template.
package struct RowKernel: Hashable, Sendable {
    package var rows: Extent
    package var body: RowProgram
    /// Rows (or, when there is one row, columns) are cut into this many even pieces.
    package var tasks: Int

    package init(rows: Extent, columns: Extent, program: [ElementOp], stores: [RowProgram.Store], tasks: Int)
    {
        self.rows = rows
        body = RowProgram(columns: columns, ops: program, stores: stores)
        self.tasks = tasks
    }
}

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
    /// `panelElement`, the target f32.
    package struct Product: Hashable, Sendable {
        /// A buffer, or a prologue's scratch. With a row stride of 1 it comes transposed.
        package var left: MatrixAccess
        package var k: Extent
        package var panels: Int
        /// A row-major `[rows, columns]` buffer, or scratch.
        package var target: Int
        /// Whether the product adds to what an earlier one of the same kernel left in `target`.
        package var accumulates: Bool

        package init(left: MatrixAccess, k: Extent, panels: Int, target: Int, accumulates: Bool = false) {
            self.left = left
            self.k = k
            self.panels = panels
            self.target = target
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

/// A matrix in a buffer: element (i, j) stands at `i * rowStride + j * columnStride`; one of the strides is 1.
package struct MatrixAccess: Hashable, Sendable {
    package var buffer: Int
    package var rowStride: Extent
    package var columnStride: Extent

    package init(buffer: Int, rowStride: Extent, columnStride: Extent) {
        self.buffer = buffer
        self.rowStride = rowStride
        self.columnStride = columnStride
    }
}

/// Copies a k x n matrix into panels `[panel][k][tile.columns]` of the tile's element, zero beyond column n; for bf16
/// `[panel][⌈k / 2⌉][tile.columns][2]`, zero beyond k too; `[panel][term]...` where the tile splits operands. One task
/// a panel.
package struct PackPanels: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// A buffer of f32 or of the tile's element.
        case matrix(MatrixAccess, ElementType)
        /// What a program without reductions computes at (row k, column n).
        case program([ElementOp], value: ElementID)
    }
    package var source: Source
    package var k: Extent
    package var n: Extent
    package var tile: ContractionTile
    package var panels: Int

    package init(source: Source, k: Extent, n: Extent, tile: ContractionTile, panels: Int) {
        self.source = source
        self.k = k
        self.n = n
        self.tile = tile
        self.panels = panels
    }
}

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

/// A matmul by OpenBLAS: the unfused baseline and the oracle for generated contractions.
package struct LibraryMatmul: Hashable, Sendable {
    package var left: Int
    package var right: Int
    package var target: Int
    package var transposeLeft: Bool
    package var transposeRight: Bool
    package var batch: Extent
    package var m: Extent
    package var n: Extent
    package var k: Extent

    package init(
        left: Int, right: Int, target: Int, transposeLeft: Bool, transposeRight: Bool, batch: Extent,
        m: Extent, n: Extent, k: Extent
    ) {
        self.left = left
        self.right = right
        self.target = target
        self.transposeLeft = transposeLeft
        self.transposeRight = transposeRight
        self.batch = batch
        self.m = m
        self.n = n
        self.k = k
    }
}

/// `target[ids[i]] += updates[i]` in the order of i, on a target that an earlier phase has zeroed. Tasks split
/// the columns, so that equal ids never meet across tasks.
package struct ScatterAdd: Hashable, Sendable {
    package var updates: Int
    package var ids: Int
    package var target: Int
    package var count: Extent
    package var rows: Extent
    package var columns: Extent
    package var tasks: Int

    package init(
        updates: Int, ids: Int, target: Int, count: Extent, rows: Extent, columns: Extent, tasks: Int
    ) {
        self.updates = updates
        self.ids = ids
        self.target = target
        self.count = count
        self.rows = rows
        self.columns = columns
        self.tasks = tasks
    }
}

/// Numbers the different ids in the order of their first places, in one task: `positions[i]` is the number of
/// `ids[i]`, `slots[row]` that of the row, on slots that an earlier phase has filled with `count`.
package struct CoalesceRows: Hashable, Sendable {
    package var ids: Int
    package var slots: Int
    package var positions: Int
    package var count: Extent
    package var rows: Extent

    package init(ids: Int, slots: Int, positions: Int, count: Extent, rows: Extent) {
        self.ids = ids
        self.slots = slots
        self.positions = positions
        self.count = count
        self.rows = rows
    }
}

/// Sequence-wise sum, or broadcast, over packed rows. One task a sequence.
package struct SegmentKernel: Hashable, Sendable {
    package enum Direction: Hashable, Sendable { case sum, broadcast }
    package var direction: Direction
    package var source: Int
    package var offsets: Int
    package var lengths: Int
    package var target: Int
    package var element: ElementType
    package var sequences: Extent
    package var tokens: Extent
    package var columns: Extent

    package init(
        direction: Direction, source: Int, offsets: Int, lengths: Int, target: Int, element: ElementType,
        sequences: Extent, tokens: Extent, columns: Extent
    ) {
        self.direction = direction
        self.source = source
        self.offsets = offsets
        self.lengths = lengths
        self.target = target
        self.element = element
        self.sequences = sequences
        self.tokens = tokens
        self.columns = columns
    }
}

/// `target[Σ i_a targetStrides[a] + targetOffset] = source[Σ i_a sourceStrides[a] + sourceOffset]` over all
/// indices below `extents`; the last axis is the inner loop.
package struct StridedCopy: Hashable, Sendable {
    package var source: Int
    package var target: Int
    package var element: ElementType
    package var extents: [Extent]
    package var sourceStrides: [Extent]
    package var targetStrides: [Extent]
    package var sourceOffset: Extent
    package var targetOffset: Extent
    package var tasks: Int

    package init(
        source: Int, target: Int, element: ElementType, extents: [Extent], sourceStrides: [Extent],
        targetStrides: [Extent], sourceOffset: Extent, targetOffset: Extent, tasks: Int
    ) {
        self.source = source
        self.target = target
        self.element = element
        self.extents = extents
        self.sourceStrides = sourceStrides
        self.targetStrides = targetStrides
        self.sourceOffset = sourceOffset
        self.targetOffset = targetOffset
        self.tasks = tasks
    }
}
