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
    /// Into how many bf16 terms large products split f32 operands; 1 where they are multiplied as they are.
    public let f32Terms: Int
    public let caches: CacheSizes
    /// Library calls in place of generated contractions.
    public let usesLibraryMatmul: Bool

    /// - Parameter f32Terms: taken for 1 without tiles: there f32 products are faster, and more exact.
    public init(
        lanes: Int, bf16: BF16Unit = .widening, f32Terms: Int = 1, caches: CacheSizes = .usual,
        usesLibraryMatmul: Bool = false
    ) {
        self.lanes = lanes
        self.bf16 = bf16
        self.f32Terms = bf16 == .tiles && !usesLibraryMatmul ? f32Terms : 1
        self.caches = caches
        self.usesLibraryMatmul = usesLibraryMatmul
    }

    /// The tile of large products of `element`: 8 x 3 vectors fill 24 of AVX-512's 32 registers, 4 x 3 fill 12 of
    /// AVX2's 16. On AMX it is 2 x 2 tiles of sums, over the whole depth up to 3072.
    package func denseTile(_ element: ElementType) -> ContractionTile {
        let terms = element == .f32 ? f32Terms : 1
        guard bf16 == .tiles, element == .bf16 || terms > 1 else { return tile(element, vectors: 3) }
        return ContractionTile(
            element: element, unit: .tiles(terms: terms), rows: 32, vectors: 2, lanes: lanes, depth: 3072,
            blockRows: 32)
    }

    /// The tile of small products (one head of one sequence), narrower so that less of it is padding.
    package func smallTile(_ element: ElementType) -> ContractionTile { tile(element, vectors: 2) }

    private func tile(_ element: ElementType, vectors: Int) -> ContractionTile {
        let blockRows = 32
        return ContractionTile(
            element: element, rows: lanes == 16 ? 8 : 4, vectors: vectors, lanes: lanes,
            depth: ContractionTile.depth(caches, rows: blockRows, elementByteCount: element.byteCount),
            blockRows: blockRows)
    }

    /// How many pieces a parallel loop is cut into: enough to balance, the same for any thread count.
    package static let tasks = 32
    /// Pieces of the row blocks of a product: many, since each is long and the last ones leave cores idle.
    package static let blockTasks = 128
    /// The same where each piece keeps partial sums, which cost a row of memory each.
    package static let partialBlockTasks = 64
    /// Pieces of a loop that keeps one partial sum a piece.
    package static let partialTasks = 16
    /// Loops over fewer elements run as one piece.
    package static let serialElements = 16_384
}

/// Register and cache blocking of a contraction.
public struct ContractionTile: Hashable, Sendable {
    /// What multiplies.
    public enum Unit: Hashable, Sendable {
        /// Fused multiply-adds, or products of bf16 pairs, in vector registers.
        case vectors
        /// AMX: bf16 operands as they are, with more than one term f32 ones split into sums of bf16 terms.
        case tiles(terms: Int)
    }

    /// Of the operands: f32, bf16 or f16. Products add up in f32.
    public let element: ElementType
    public let unit: Unit
    /// Rows of the register tile.
    public let rows: Int
    /// Vectors across the register tile.
    public let vectors: Int
    public let lanes: Int
    /// Depth (k) of one block: the packed panel of `depth x columns` stays in the level-2 cache. On tiles a multiple
    /// of 32.
    public let depth: Int
    /// Rows of one block, a multiple of 16: scratch buffers then begin on cache lines.
    public let blockRows: Int

    package init(
        element: ElementType = .f32, unit: Unit = .vectors, rows: Int, vectors: Int, lanes: Int, depth: Int,
        blockRows: Int
    ) {
        precondition(element != .bf16 || depth % 2 == 0, "pairs don't fill a tile \(depth) deep")
        precondition(
            unit == .vectors || depth % 32 == 0 && blockRows == 32,
            "AMX takes 32 rows and 32 of the depth at a time")
        self.element = element
        self.unit = unit
        self.rows = rows
        self.vectors = vectors
        self.lanes = lanes
        self.depth = depth
        self.blockRows = blockRows
    }

    /// Columns of the register tile and of a packed panel.
    public var columns: Int { vectors * lanes }

    public var runsOnTiles: Bool { unit != .vectors }

    /// Into how many terms operands are split: 1 for those that are multiplied as they are.
    public var terms: Int {
        switch unit {
        case .vectors: 1
        case .tiles(let terms): terms
        }
    }

    /// What panels hold: the operands' element, or their terms'.
    public var panelElement: ElementType { terms > 1 ? .bf16 : element }

    /// Rows of the depth that lie side by side in a panel, `[term][depth / step][columns][step]`: pairs of bf16.
    public var depthStep: Int { panelElement == .bf16 ? 2 : 1 }
}
