import GraphIR

/// How products of bf16 operands are computed; they add up in f32 each way.
public enum BF16Unit: String, Hashable, Sendable {
    /// Operands are widened to f32.
    case widening
    /// `vdpbf16ps`: products of pairs along the depth, two a lane (AVX512-BF16).
    case dot
    /// AMX tiles of 16 x 32 elements.
    case tiles
}

/// What lowering needs to know of the machine: vector width and register tile.
public struct Machine: Hashable, Sendable {
    /// f32 lanes of a vector register: 16 with AVX-512, 8 with AVX2.
    public let lanes: Int
    public let bf16: BF16Unit
    public let caches: CacheSizes
    /// Library calls in place of generated contractions.
    public let usesLibraryMatmul: Bool

    public init(lanes: Int, bf16: BF16Unit = .widening, caches: CacheSizes = .usual, usesLibraryMatmul: Bool = false) {
        self.lanes = lanes
        self.bf16 = bf16
        self.caches = caches
        self.usesLibraryMatmul = usesLibraryMatmul
    }

    /// The tile of large products of `element`: 8 x 3 vectors fill 24 of AVX-512's 32 registers, 4 x 3 fill 12 of
    /// AVX2's 16.
    package func denseTile(_ element: ElementType) -> ContractionTile { tile(element, vectors: 3) }

    /// The tile of small products (one head of one sequence), narrower so that less of it is padding.
    func smallTile(_ element: ElementType) -> ContractionTile { tile(element, vectors: 2) }

    private func tile(_ element: ElementType, vectors: Int) -> ContractionTile {
        let blockRows = 32
        return ContractionTile(
            element: element, rows: lanes == 16 ? 8 : 4, vectors: vectors, lanes: lanes,
            depth: ContractionTile.depth(caches, rows: blockRows, elementByteCount: element.byteCount),
            blockRows: blockRows)
    }

    /// How many pieces a parallel loop is cut into: enough to balance, the same for any thread count.
    static let tasks = 32
    /// Pieces of the row blocks of a product: many, since each is long and the last ones leave cores idle.
    static let blockTasks = 128
    /// The same where each piece keeps partial sums, which cost a row of memory each.
    static let partialBlockTasks = 64
    /// Pieces of a loop that keeps one partial sum a piece.
    static let partialTasks = 16
    /// Loops over fewer elements run as one piece.
    static let serialElements = 16_384
}

/// Register and cache blocking of a contraction.
public struct ContractionTile: Hashable, Sendable {
    /// Of the operands: f32, bf16 or f16. Products add up in f32.
    public let element: ElementType
    /// Rows of the register tile.
    public let rows: Int
    /// Vectors across the register tile.
    public let vectors: Int
    public let lanes: Int
    /// Depth (k) of one block: the packed panel of `depth x columns` stays in the level-2 cache.
    public let depth: Int
    /// Rows of one block, a multiple of 16: scratch buffers then begin on cache lines.
    public let blockRows: Int

    package init(
        element: ElementType = .f32, rows: Int, vectors: Int, lanes: Int, depth: Int, blockRows: Int
    ) {
        precondition(element != .bf16 || depth % 2 == 0, "pairs don't fill a tile \(depth) deep")
        self.element = element
        self.rows = rows
        self.vectors = vectors
        self.lanes = lanes
        self.depth = depth
        self.blockRows = blockRows
    }

    /// Columns of the register tile and of a packed panel.
    public var columns: Int { vectors * lanes }

    /// Rows of the depth that lie side by side in a panel, `[depth / step][columns][step]`: pairs of bf16.
    public var depthStep: Int { element == .bf16 ? 2 : 1 }
}
