import KernelIR
import Target

/// The product of a block on AMX tiles as functions of their own:
/// `target[rows, columns] (+)= left[rows, depth] · panel[depth, columns]` for up to 32 rows and one panel of
/// 32 columns, with 2 x 2 tiles of sums in registers over the whole depth.
///
/// The left operand is bf16 in rows; the panel holds bf16 pairs `[ceil(depth / 2)][32][2]`, zero beyond the
/// depth, and begins on a cache line, so that no row of a tile lies on two; the target is f32 in rows.
/// Nothing beyond the given sizes is read or written.
///
/// Edges take no code of their own: the tiles are configured with fewer rows, columns or pairs. Which
/// configuration is loaded is kept in memory of the kernel (`State`), so that it changes only between blocks
/// of different sizes.
///
/// With `terms` above 1, operands are f32 numbers split into sums of bf16 terms (`TermWriter`), in planes one
/// behind the other. Summed are the products of terms whose numbers, from 0, add up to less than `terms`: 3
/// products of 2 terms, with an error of at most 2^-15 of each product, or 6 of 3 terms, where f32's own sums
/// err more.
struct TileKernel: Hashable {
    /// Whether panels may have columns that the target lacks.
    let masksColumns: Bool
    /// 1 for bf16 operands, 2 or 3 for split f32 ones.
    var terms = 1

    /// Rows and columns of the largest block, and the depth of one tile.
    static let size = 32

    /// The name of the function that `call` calls.
    var name: String { "amx.\(terms)\(masksColumns ? ".masked" : "")" }

    func text(_ target: Target) -> String {
        let columnTiles = masksColumns ? [2, 1] : [2]
        let blocks = [2, 1].flatMap { rows in
            columnTiles.map { TileBlock(rows: rows, columns: $0, terms: terms) }
        }
        return ([product(target), configure(target)] + blocks.map { $0.text(name, target) }).joined(
            separator: "\n")
    }

    // MARK: Use

    /// What a caller passes; distances and sizes in elements.
    struct Call {
        let left: Pointer
        let panel: Pointer
        let target: Pointer
        /// 1 ... 32
        let rows: I64
        /// Any depth; nothing is the product over 0.
        let depth: I64
        /// At least 1; those from 32 on are another panel's.
        let columns: I64
        /// Whether the target is overwritten.
        let first: I1
        let leftRow: I64
        let targetRow: I64
        /// From one plane of terms to the next.
        var leftTerm: I64 = 0
        var panelTerm: I64 = 0

        /// The same in the function that is called.
        fileprivate static let parameters = Call(
            left: Pointer(parameter: "left"), panel: Pointer(parameter: "panel"),
            target: Pointer(parameter: "target"), rows: I64(parameter: "rows"),
            depth: I64(parameter: "depth"), columns: I64(parameter: "columns"), first: I1(parameter: "first"),
            leftRow: I64(parameter: "left_row"), targetRow: I64(parameter: "target_row"),
            leftTerm: I64(parameter: "left_term"), panelTerm: I64(parameter: "panel_term"))

        fileprivate func arguments(_ state: Pointer) -> [any LLVMValue] {
            [
                state, left, panel, target, rows, depth, columns, first, leftRow, targetRow, leftTerm,
                panelTerm,
            ]
        }
    }

    /// Makes the memory that all calls share, of this tile kernel and of others with no more than `terms`; once,
    /// where a kernel begins.
    static func enter(_ w: inout FunctionWriter, terms: Int) -> Pointer {
        let state = w.once { w in w.allocate(bytes: State.byteCount(terms), align: 64) }
        w.store(I64(0), w.address(state, .i8, State.shape))
        return state
    }

    /// Gives the tiles back; once, where a kernel ends.
    static func leave(_ w: inout FunctionWriter) { w.call("llvm.x86.tilerelease", []) }

    /// - Parameter state: what `enter` made.
    func call(_ w: inout FunctionWriter, state: Pointer, _ c: Call) { w.call(name, c.arguments(state)) }

    /// Offsets in the memory that calls share.
    private enum State {
        /// The memory in the functions that get it.
        static let pointer = Pointer(parameter: "state")
        /// What LDTILECFG reads: 64 bytes.
        static let configuration = 0
        /// The sizes it was made for, as one number; 0 before the first.
        static let shape = 64
        /// The last columns of left rows of odd length, filled up with zeros: `[term][32][32]` of bf16.
        static let tail = 128
        static let tailBytes = size * size * 2

        static func byteCount(_ terms: Int) -> Int { tail + terms * tailBytes }
    }

    // MARK: Product

    /// A stretch of the depth with one configuration: `steps` tiles of `pairs` pairs. Distances in bytes.
    private struct Stretch {
        let left: Pointer
        let panel: Pointer
        let steps: I64
        let pairs: I64
        let first: I1
        let leftRow: I64
        let leftTerm: I64
    }

    /// The whole tiles of the depth, then what remains of it under a configuration of its own.
    private func product(_ target: Target) -> String {
        var w = FunctionWriter(symbols: [], target: target)
        let p = Call.parameters
        let columns = masksColumns ? w.min(p.columns, Self.size) : I64(Self.size)
        let rest = w.and(p.depth, I64(Self.size - 1))
        let whole = w.sub(p.depth, rest)
        let noRest = w.compare(.eq, rest, 0)
        let noWhole = w.compare(.eq, whole, 0)
        let leftRow = w.mul(p.leftRow, 2)
        let leftTerm = w.mul(p.leftTerm, 2)
        // A product over nothing still clears the target.
        w.when(w.select(noWhole, noRest, true)) { w in
            let stretch = Stretch(
                left: p.left, panel: p.panel, steps: w.udiv(whole, Self.size), pairs: 16, first: p.first,
                leftRow: leftRow, leftTerm: leftTerm)
            callBlock(&w, stretch, columns: columns)
        }
        w.when(w.not(noRest)) { w in
            let left = w.address(p.left, .i16, whole)
            let isOdd = w.convert(.trunc, rest, to: I1.self)
            let tail = w.address(State.pointer, .i8, State.tail)
            w.when(isOdd) { w in copyTail(&w, left: left, count: rest, target: tail) }
            let stretch = Stretch(
                left: w.select(isOdd, tail, left), panel: w.address(p.panel, .i16, w.mul(whole, Self.size)),
                steps: 1, pairs: w.ceilDivide(rest, 2), first: w.and(p.first, noWhole),
                leftRow: w.select(isOdd, I64(Self.size * 2), leftRow),
                leftTerm: w.select(isOdd, I64(State.tailBytes), leftTerm))
            callBlock(&w, stretch, columns: columns)
        }
        return w.text(name, p.arguments(State.pointer))
    }

    /// Copies the last `count` columns of the left rows: the half pair at their end must not be read with
    /// what stands behind, which may be NaN.
    private func copyTail(_ w: inout FunctionWriter, left: Pointer, count: I64, target: Pointer) {
        let p = Call.parameters
        let v = VectorWriter(lanes: Self.size)
        let mask = v.mask(&w, below: count)
        for term in 0..<terms {
            let plane = w.address(left, .i16, w.mul(p.leftTerm, term))
            let copy = w.address(target, .i8, term * State.tailBytes)
            w.loop(from: 0, to: p.rows, by: 1) { w, row in
                let from = w.address(plane, .i16, w.mul(row, p.leftRow))
                let x = v.load(&w, I16.self, from, mask: mask)
                w.store(x, w.address(copy, .i16, w.mul(row, Self.size)), align: 64)
            }
        }
    }

    /// Configures the tiles and calls the function for the tiles that the block fills.
    private func callBlock(_ w: inout FunctionWriter, _ stretch: Stretch, columns: I64) {
        let p = Call.parameters
        w.call(
            configuration,
            Sizes(rows: p.rows, columns: columns, pairs: stretch.pairs).arguments(State.pointer))
        let call = TileBlock.Call(
            left: stretch.left, panel: stretch.panel, target: p.target, steps: stretch.steps,
            first: stretch.first, leftRow: stretch.leftRow, targetRow: w.mul(p.targetRow, 4),
            leftTerm: stretch.leftTerm, panelTerm: w.mul(p.panelTerm, 2))
        for rows in [2, 1] {
            func block(_ w: inout FunctionWriter, columns: Int) {
                TileBlock(rows: rows, columns: columns, terms: terms).call(&w, name, call)
            }
            w.when(w.compare(rows == 2 ? .sgt : .sle, p.rows, 16)) { w in
                guard masksColumns else { return block(&w, columns: 2) }
                w.when(w.compare(.sgt, columns, 16)) { w in
                    block(&w, columns: 2)
                } otherwise: { w in
                    block(&w, columns: 1)
                }
            }
        }
    }

    // MARK: Configuration

    /// What the tiles are configured for.
    fileprivate struct Sizes {
        let rows: I64
        let columns: I64
        let pairs: I64

        static let parameters = Sizes(
            rows: I64(parameter: "rows"), columns: I64(parameter: "columns"), pairs: I64(parameter: "pairs"))

        func arguments(_ state: Pointer) -> [any LLVMValue] { [state, rows, columns, pairs] }
    }

    private var configuration: String { "\(name).configure" }

    /// Loads the configuration for a block unless it is there.
    private func configure(_ target: Target) -> String {
        var w = FunctionWriter(symbols: [], target: target)
        let (sizes, state) = (Sizes.parameters, State.pointer)
        let high = w.add(w.mul(sizes.columns, 1 << 8), w.mul(sizes.pairs, 1 << 16))
        let shape = w.add(sizes.rows, high)
        let known = w.address(state, .i8, State.shape)
        w.when(w.compare(.ne, w.load(I64.self, known), shape)) { w in
            w.store(shape, known)
            let tiles = TileShape.all(&w, sizes)
            w.clear(state, bytes: 64, align: 64)
            // Palette 1: eight tiles of up to 16 rows of 64 bytes.
            w.store(I8(1), state, align: 64)
            for (tile, size) in tiles.enumerated() {
                w.store(size.rowBytes, w.address(state, .i8, 16 + 2 * tile))
                w.store(size.rows, w.address(state, .i8, 48 + tile))
            }
            w.call("llvm.x86.ldtilecfg", [state])
        }
        return w.text(configuration, sizes.arguments(state))
    }
}

/// Rows and bytes of a row of one tile.
private struct TileShape {
    let rows: I8
    let rowBytes: I16

    /// The shapes of the eight tiles, as `TileBlock` numbers them.
    static func all(_ w: inout FunctionWriter, _ sizes: TileKernel.Sizes) -> [TileShape] {
        /// How much of a block the first and the second tile take; tiles that nothing uses are whole, since a
        /// shape of zero would have to be zero in both directions.
        func split(_ size: I64) -> [I64] {
            let second = w.sub(size, 16)
            let isUsed = w.compare(.sgt, second, 0)
            return [w.min(size, 16), w.select(isUsed, second, 16)]
        }
        func bytes(_ words: I64) -> I16 { w.convert(.trunc, w.mul(words, 4)) }
        func narrow(_ rows: I64) -> I8 { w.convert(.trunc, rows) }

        let rows = split(sizes.rows).map { narrow($0) }
        let columns = split(sizes.columns).map { bytes($0) }
        let (pairs, pairBytes) = (narrow(sizes.pairs), bytes(sizes.pairs))
        let sums = rows.flatMap { row in columns.map { TileShape(rows: row, rowBytes: $0) } }
        let left = rows.map { TileShape(rows: $0, rowBytes: pairBytes) }
        let right = columns.map { TileShape(rows: pairs, rowBytes: $0) }
        return sums + left + right
    }
}
