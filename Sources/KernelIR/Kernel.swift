import GraphIR

/// One kernel: phases that run one after the other, each split into tasks that may run at the same time.
///
/// A kernel names its buffers by position; the launch binds them. Two nodes with equal kernels share their code.
public struct Kernel: Hashable, Sendable {
    /// A readable name, e.g. `matmul` or `layer_norm`; not unique.
    public let name: String
    public let phases: [Phase]

    public init(_ name: String, _ phases: [Phase]) {
        self.name = name
        self.phases = phases
    }
}

/// One parallel loop of a kernel.
public enum Phase: Hashable, Sendable {
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
public struct RowProgram: Hashable, Sendable {
    public enum Store: Hashable, Sendable {
        case element(Access, ElementID)
        /// Adds up the rows of one task, column by column, into row `task` of a `[tasks, columns]` f32 buffer.
        case columnSum(buffer: Int, ElementID)
        /// Adds up all elements of one task into element `task` of an f32 buffer.
        case total(buffer: Int, ElementID)
    }

    public var columns: Extent
    public var ops: [ElementOp]
    public var stores: [Store]

    public init(columns: Extent, ops: [ElementOp], stores: [Store]) {
        self.columns = columns
        self.ops = ops
        self.stores = stores
    }
}

/// A row program over all rows: maps, row reductions, column sums and totals in one template.
public struct RowKernel: Hashable, Sendable {
    public var rows: Extent
    public var body: RowProgram
    /// Rows (or, when there is one row, columns) are cut into this many even pieces.
    public var tasks: Int

    public init(rows: Extent, columns: Extent, program: [ElementOp], stores: [RowProgram.Store], tasks: Int) {
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
public struct BlockKernel: Hashable, Sendable {
    /// Private memory of a task that is addressed like a buffer, by the numbers of the whole tensor: rows
    /// and columns of the current block, and of the current chunk where it is one.
    public struct Scratch: Hashable, Sendable {
        public enum Shape: Hashable, Sendable {
            /// `[blockRows, columns]`
            case rows(columns: Extent)
            /// `[blockRows, columns of one chunk]`
            case chunk
        }
        /// A number that no buffer of the launch has.
        public var buffer: Int
        public var shape: Shape
        public var element: ElementType

        package init(buffer: Int, shape: Shape, element: ElementType = .f32) {
            self.buffer = buffer
            self.shape = shape
            self.element = element
        }
    }

    /// `target[rows, columns] (+)= left[rows, k] · panels`, the left operand of the tile's element, the panels of its
    /// `panelElement`, the target f32.
    public struct Product: Hashable, Sendable {
        /// A buffer, or a prologue's scratch. With a row stride of 1 it comes transposed.
        public var left: MatrixAccess
        public var k: Extent
        public var panels: Int
        /// A row-major `[rows, columns]` buffer, or scratch.
        public var target: Int
        /// Whether the product adds to what an earlier one of the same kernel left in `target`.
        public var accumulates: Bool

        package init(left: MatrixAccess, k: Extent, panels: Int, target: Int, accumulates: Bool = false) {
            self.left = left
            self.k = k
            self.panels = panels
            self.target = target
            self.accumulates = accumulates
        }
    }

    public var rows: Extent
    /// Columns of every product and of the epilogue.
    public var columns: Extent
    public var tile: ContractionTile
    /// Pieces of the rows.
    public var tasks: Int
    /// Panels of one chunk of columns; `nil` when a task keeps whole rows, which an epilogue with row reductions
    /// needs.
    public var chunkPanels: Int?
    /// Whether chunks are tasks of their own, rather than a loop within one: task = chunk x pieces + piece of rows,
    /// so that neighbouring tasks share panels. Prologues must not have column sums or totals then.
    public var splitsChunks: Bool
    public var scratch: [Scratch]
    /// Run over whole rows of the block, in order.
    public var prologue: [RowProgram]
    public var products: [Product]
    public var epilogue: RowProgram?

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
public struct MatrixAccess: Hashable, Sendable {
    public var buffer: Int
    public var rowStride: Extent
    public var columnStride: Extent

    package init(buffer: Int, rowStride: Extent, columnStride: Extent) {
        self.buffer = buffer
        self.rowStride = rowStride
        self.columnStride = columnStride
    }
}

/// Copies a k x n matrix into panels `[panel][k][tile.columns]` of the tile's element, zero beyond column n; for bf16
/// `[panel][⌈k / 2⌉][tile.columns][2]`, zero beyond k too; `[panel][term]...` where the tile splits operands. One task
/// a panel.
public struct PackPanels: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
        /// A buffer of f32 or of the tile's element.
        case matrix(MatrixAccess, ElementType)
        /// What a program without reductions computes at (row k, column n).
        case program([ElementOp], value: ElementID)
    }
    public var source: Source
    public var k: Extent
    public var n: Extent
    public var tile: ContractionTile
    public var panels: Int

    package init(source: Source, k: Extent, n: Extent, tile: ContractionTile, panels: Int) {
        self.source = source
        self.k = k
        self.n = n
        self.tile = tile
        self.panels = panels
    }
}

/// Many independent small products, one task each, packing into the worker's scratch memory.
public struct ProductBatch: Hashable, Sendable {
    public enum Layout: Hashable, Sendable {
        /// `count` matrices of equal shape one behind another.
        case dense(count: Extent, m: Extent, n: Extent, k: Extent, left: MatrixAccess, right: MatrixAccess)
        /// `ragged_matmul`: one problem a sequence and head.
        case ragged(
            RaggedForm, sequences: Extent, tokens: Extent, heads: Int, headSize: Int, length: Extent,
            offsets: Int, lengths: Int)
    }

    public var layout: Layout
    public var left: Int
    public var right: Int
    public var target: Int
    public var tile: ContractionTile
}

/// A matmul by OpenBLAS: the unfused baseline and the oracle for generated contractions.
public struct LibraryMatmul: Hashable, Sendable {
    public var left: Int
    public var right: Int
    public var target: Int
    public var transposeLeft: Bool
    public var transposeRight: Bool
    public var batch: Extent
    public var m: Extent
    public var n: Extent
    public var k: Extent
}

/// `target[ids[i]] += updates[i]` in the order of i, on a target that an earlier phase has zeroed. Tasks split
/// the columns, so that equal ids never meet across tasks.
public struct ScatterAdd: Hashable, Sendable {
    public var updates: Int
    public var ids: Int
    public var target: Int
    public var count: Extent
    public var rows: Extent
    public var columns: Extent
    public var tasks: Int
}

/// Numbers the different ids in the order of their first places, in one task: `positions[i]` is the number of
/// `ids[i]`, `slots[row]` that of the row, on slots that an earlier phase has filled with `count`.
public struct CoalesceRows: Hashable, Sendable {
    public var ids: Int
    public var slots: Int
    public var positions: Int
    public var count: Extent
    public var rows: Extent
}

/// Sequence-wise sum, or broadcast, over packed rows. One task a sequence.
public struct SegmentKernel: Hashable, Sendable {
    public enum Direction: Hashable, Sendable { case sum, broadcast }
    public var direction: Direction
    public var source: Int
    public var offsets: Int
    public var lengths: Int
    public var target: Int
    public var element: ElementType
    public var sequences: Extent
    public var tokens: Extent
    public var columns: Extent
}

/// `target[Σ i_a targetStrides[a] + targetOffset] = source[Σ i_a sourceStrides[a] + sourceOffset]` over all
/// indices below `extents`; the last axis is the inner loop.
public struct StridedCopy: Hashable, Sendable {
    public var source: Int
    public var target: Int
    public var element: ElementType
    public var extents: [Extent]
    public var sourceStrides: [Extent]
    public var targetStrides: [Extent]
    public var sourceOffset: Extent
    public var targetOffset: Extent
    public var tasks: Int
}
