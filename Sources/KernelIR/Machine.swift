import GraphIR
import Target

/// What lowering needs to know: the target, and what was asked for of its products.
package struct Machine: Hashable, Sendable {
    package let target: Target
    /// Into how many bf16 terms large products split f32 operands; 1 where they are multiplied as they are.
    package let f32Terms: Int
    /// Library calls in place of generated contractions.
    package let usesLibraryMatmul: Bool

    /// - Parameter f32Terms: taken for 1 without tiles: there f32 products are faster, and more exact.
    package init(_ target: Target, f32Terms: Int = 1, usesLibraryMatmul: Bool = false) {
        self.target = target
        self.f32Terms = target.units.bf16 == .tiles && !usesLibraryMatmul ? f32Terms : 1
        self.usesLibraryMatmul = usesLibraryMatmul
    }

    /// The tile of large products of `element`. On matrix registers it is 2 x 2 tiles of sums, over the whole depth up to
    /// 3072.
    package func denseTile(_ element: ElementType) -> ContractionTile {
        let terms = element == .f32 ? f32Terms : 1
        guard target.units[terms > 1 ? .bf16 : element] == .tiles else { return tile(element) }
        return ContractionTile(
            element: element, unit: .tiles(terms: terms), rows: 32, vectors: 2, lanes: target.lanes,
            depth: 3072, blockRows: 32)
    }

    /// The tile of small products (one head of one sequence): two vectors wide, so that less of it is padding.
    package func smallTile(_ element: ElementType) -> ContractionTile { tile(element, vectors: 2) }

    /// Sums fill three quarters of the registers. What remains holds a row of the right operand and an element of the left
    /// one: of 16 registers, 4 x 3 sums would leave none for more, and compilers then move sums to memory.
    private func tile(_ element: ElementType, vectors: Int? = nil) -> ContractionTile {
        // Blocks are whole register tiles, and whole cache lines of scratch.
        if element == .i8 { return byteTile(vectors: vectors) }
        let (rows, most, blockRows) = target.registers < 32 ? (6, 2, 48) : (8, 3, 32)
        let widens = target.units[element] == .widened
        return ContractionTile(
            element: element, rows: rows, vectors: min(vectors ?? most, most), lanes: target.lanes,
            depth: ContractionTile.depth(
                target.caches, rows: 32,
                elementByteCount: widens ? ElementType.f32.byteCount : element.byteCount),
            // What is widened serves twice as many rows.
            blockRows: widens ? 96 : blockRows, widens: widens)
    }

    /// Where nothing multiplies i8, registers also hold both halves of the pairs that operands are widened to.
    private func byteTile(vectors: Int?) -> ContractionTile {
        let isFew = target.registers < 32
        let (rows, most): (Int, Int)
        switch (isFew, target.units.i8 == .widened) {
        case (true, true): (rows, most) = (4, 2)
        case (true, false): (rows, most) = (6, 2)
        case (false, true): (rows, most) = (8, 2)
        case (false, false): (rows, most) = (8, 3)
        }
        return ContractionTile(
            element: .i8, rows: rows, vectors: min(vectors ?? most, most), lanes: target.lanes,
            depth: ContractionTile.wholeDepth, blockRows: isFew ? 48 : 32)
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
package struct ContractionTile: Hashable, Sendable {
    /// What multiplies.
    package enum Unit: Hashable, Sendable {
        /// Fused multiply-adds, or products of bf16 pairs, in vector registers.
        case vectors
        /// AMX: bf16 operands as they are, with more than one term f32 ones split into sums of bf16 terms.
        case tiles(terms: Int)
    }

    /// Element type of the operands: f32, bf16 or f16, which add up in f32, or i8, which adds up in i32.
    package let element: ElementType
    package let unit: Unit
    /// Rows of the register tile.
    package let rows: Int
    /// Vectors across the register tile.
    package let vectors: Int
    package let lanes: Int
    /// Depth (k) of one block: the packed panel of `depth x columns` stays in the level-2 cache. On tiles a multiple
    /// of 32.
    package let depth: Int
    /// Rows of one block, a multiple of 16: scratch buffers then begin on cache lines.
    package let blockRows: Int
    /// Whether operands of 16 bits are multiplied as f32: blocks of them are widened into scratch memory, once for all
    /// that reads them.
    package let widens: Bool

    package init(
        element: ElementType = .f32, unit: Unit = .vectors, rows: Int, vectors: Int, lanes: Int, depth: Int,
        blockRows: Int, widens: Bool = false
    ) {
        precondition(!widens || unit == .vectors && element.byteCount == 2, "\(element) is not widened")
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
        self.widens = widens
    }

    /// Columns of the register tile and of a packed panel.
    package var columns: Int { vectors * lanes }

    package var runsOnTiles: Bool { unit != .vectors }

    /// Into how many terms operands are split: 1 for those that are multiplied as they are.
    package var terms: Int {
        switch unit {
        case .vectors: 1
        case .tiles(let terms): terms
        }
    }

    /// The tile of the operands that registers multiply.
    package var multiplied: ContractionTile {
        guard widens else { return self }
        return ContractionTile(
            rows: rows, vectors: vectors, lanes: lanes, depth: depth, blockRows: blockRows)
    }

    /// What panels hold: the operands' element, or their terms'.
    package var panelElement: ElementType { terms > 1 ? .bf16 : element }

    /// Rows of the depth that lie side by side in a panel, `[term][depth / step][columns][step]`: pairs of bf16, four of i8.
    package var depthStep: Int {
        switch panelElement {
        case .i8: 4
        case .bf16: 2
        case .f32, .f16, .i32, .i64, .bool: 1
        }
    }

    /// Steps of the depth that a panel begins with before those of the matrix. With i8 it is one, of i32: what sums of each
    /// column start with, which is -128 times the sum of the column where products take their left operand as numbers
    /// from 0 on, and 0 elsewhere.
    package var headerSteps: Int { element == .i8 ? 1 : 0 }

    /// A depth of blocks that every product has in one: that of i8, whose sums are not kept between blocks.
    static let wholeDepth = 1 << 17
}

extension ByElement {
    /// The value for `element`; `nil` for types that products do not multiply.
    subscript(element: ElementType) -> Value? {
        switch element {
        case .f32: f32
        case .bf16: bf16
        case .f16: f16
        case .i8: i8
        case .i32, .i64, .bool: nil
        }
    }
}
