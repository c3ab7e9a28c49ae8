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
    case product(PanelProduct)
    case problems(ProductBatch)
    case attention(AttentionKernel)
    case library(LibraryMatmul)
    case scatterAdd(ScatterAdd)
    case segments(SegmentKernel)
    case copy(StridedCopy)
}

/// Element programs over rows: maps, row reductions and column sums in one template.
///
/// The generator cuts the program into passes over the columns: a reduction of pass p can be used from pass
/// p + 1 on, and what a later pass needs is computed again rather than stored.
public struct RowKernel: Hashable, Sendable {
    public enum Store: Hashable, Sendable {
        case element(Access, ElementID)
        /// Adds up the rows of one task, column by column, into row `task` of a `[tasks, columns]` f32 buffer.
        case columnSum(buffer: Int, ElementID)
    }

    public var rows: Extent
    public var columns: Extent
    public var program: [ElementOp]
    public var stores: [Store]
    /// Rows (or, when there is one row, columns) are cut into this many even pieces.
    public var tasks: Int
}

/// A matrix in a buffer: element (i, j) stands at `i * rowStride + j * columnStride`; one of the strides is 1.
public struct MatrixAccess: Hashable, Sendable {
    public var buffer: Int
    public var rowStride: Extent
    public var columnStride: Extent
}

/// Copies `source` (k x n) into panels `[panel][k][tile.columns]`, zero beyond column n. One task a panel.
public struct PackPanels: Hashable, Sendable {
    public var source: MatrixAccess
    public var k: Extent
    public var n: Extent
    public var tile: ContractionTile
    public var panels: Int
}

/// `target[m, n] = left[m, k] · panels`: one task a block of `tile.blockRows` x `tile.blockPanels` panels.
public struct PanelProduct: Hashable, Sendable {
    public var left: MatrixAccess
    public var panels: Int
    public var target: MatrixAccess
    public var m: Extent
    public var n: Extent
    public var k: Extent
    public var tile: ContractionTile
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
