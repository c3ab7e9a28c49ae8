import KernelIR

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

    private var name: String { "amx.\(terms)\(masksColumns ? ".masked" : "")" }

    func text(_ bf16: BF16Unit) -> String {
        let columnTiles = masksColumns ? [2, 1] : [2]
        let blocks = [2, 1].flatMap { rows in
            columnTiles.map { TileBlock(rows: rows, columns: $0, terms: terms) }
        }
        return ([product(bf16), configure(bf16)] + blocks.map { $0.text(name, bf16) }).joined(separator: "\n")
    }

    // MARK: Use

    /// What a caller passes; distances and sizes in elements.
    struct Call {
        let left: String
        let panel: String
        let target: String
        /// 1 ... 32
        let rows: String
        /// Any depth; nothing is the product over 0.
        let depth: String
        /// At least 1; those from 32 on are another panel's.
        let columns: String
        /// Whether the target is overwritten.
        let first: String
        let leftRow: String
        let targetRow: String
        /// From one plane of terms to the next.
        var leftTerm = "0"
        var panelTerm = "0"
    }

    /// Makes the memory that all calls share, of this tile kernel and of others with no more than `terms`; once,
    /// where a kernel begins.
    static func enter(_ w: inout FunctionWriter, terms: Int) -> String {
        let state = w.entryValue("alloca [\(State.byteCount(terms)) x i8], align 64")
        w.line("store i64 0, ptr \(w.address(state, "i8", "\(State.shape)")), align 8")
        return state
    }

    /// Gives the tiles back; once, where a kernel ends.
    static func leave(_ w: inout FunctionWriter) { w.line("call void @llvm.x86.tilerelease()") }

    func call(_ w: inout FunctionWriter, state: String, _ c: Call) {
        let list = [
            "ptr \(state)", "ptr \(c.left)", "ptr \(c.panel)", "ptr \(c.target)", "i64 \(c.rows)",
            "i64 \(c.depth)",
            "i64 \(c.columns)", "i1 \(c.first)", "i64 \(c.leftRow)", "i64 \(c.targetRow)",
            "i64 \(c.leftTerm)",
            "i64 \(c.panelTerm)",
        ]
        w.line("call void @\(name)(\(list.joined(separator: ", ")))")
    }

    /// Offsets in the memory that calls share.
    private enum State {
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

    /// The whole tiles of the depth, then what remains of it under a configuration of its own.
    private func product(_ bf16: BF16Unit) -> String {
        var w = FunctionWriter(symbols: [], bf16: bf16)
        let columns = masksColumns ? w.min("%columns", "\(Self.size)") : "\(Self.size)"
        let rest = w.value("and i64 %depth, \(Self.size - 1)")
        let whole = w.sub("%depth", rest)
        let noRest = w.value("icmp eq i64 \(rest), 0")
        let noWhole = w.value("icmp eq i64 \(whole), 0")
        let leftRow = w.mul("%left_row", "2")
        let leftTerm = w.mul("%left_term", "2")
        // A product over nothing still clears the target.
        w.when(w.value("select i1 \(noWhole), i1 \(noRest), i1 true")) { w in
            callBlock(
                &w, left: "%left", panel: "%panel", steps: w.value("udiv i64 \(whole), \(Self.size)"),
                pairs: "16",
                columns: columns, first: "%first", leftRow: leftRow, leftTerm: leftTerm)
        }
        w.when(w.value("xor i1 \(noRest), true")) { w in
            let left = w.address("%left", "i16", whole)
            let isOdd = w.value("trunc i64 \(rest) to i1")
            let tail = w.address("%state", "i8", "\(State.tail)")
            w.when(isOdd) { w in copyTail(&w, left: left, count: rest, target: tail) }
            func choose(_ type: String, _ odd: String, _ even: String) -> String {
                w.value("select i1 \(isOdd), \(type) \(odd), \(type) \(even)")
            }
            callBlock(
                &w, left: choose("ptr", tail, left),
                panel: w.address("%panel", "i16", w.mul(whole, "\(Self.size)")),
                steps: "1", pairs: w.ceilDivide(rest, 2), columns: columns,
                first: w.value("and i1 %first, \(noWhole)"),
                leftRow: choose("i64", "\(Self.size * 2)", leftRow),
                leftTerm: choose("i64", "\(State.tailBytes)", leftTerm))
        }
        return w.text(
            "internal void @\(name)(ptr %state, ptr %left, ptr %panel, ptr %target, i64 %rows, i64 %depth, i64 %columns, i1 %first, i64 %left_row, i64 %target_row, i64 %left_term, i64 %panel_term)"
        )
    }

    /// Copies the last `count` columns of the left rows: the half pair at their end must not be read with
    /// what stands behind, which may be NaN.
    private func copyTail(_ w: inout FunctionWriter, left: String, count: String, target: String) {
        let n = Self.size
        let type = "<\(n) x i16>"
        let mask = VectorWriter(lanes: n).mask(&w, below: count)
        for term in 0..<terms {
            let plane = w.address(left, "i16", w.mul("%left_term", "\(term)"))
            let copy = w.address(target, "i8", "\(term * State.tailBytes)")
            w.loop(from: "0", to: "%rows", by: 1) { w, row, _ in
                let from = w.address(plane, "i16", w.mul(row, "%left_row"))
                let x = w.value(
                    "call \(type) @llvm.masked.load.v\(n)i16.p0(ptr \(from), i32 2, <\(n) x i1> \(mask), \(type) zeroinitializer)"
                )
                w.line("store \(type) \(x), ptr \(w.address(copy, "i16", w.mul(row, "\(n)"))), align 64")
                return []
            }
        }
    }

    /// Configures the tiles and calls the function for the tiles that the block fills. Distances in bytes.
    private func callBlock(
        _ w: inout FunctionWriter, left: String, panel: String, steps: String, pairs: String, columns: String,
        first: String, leftRow: String, leftTerm: String
    ) {
        w.line("call void @\(name).configure(ptr %state, i64 %rows, i64 \(columns), i64 \(pairs))")
        let list = [
            "ptr \(left)", "ptr \(panel)", "ptr %target", "i64 \(steps)", "i1 \(first)", "i64 \(leftRow)",
            "i64 \(w.mul("%target_row", "4"))", "i64 \(leftTerm)", "i64 \(w.mul("%panel_term", "2"))",
        ]
        let arguments = list.joined(separator: ", ")
        for rows in [2, 1] {
            let fits = w.value("icmp \(rows == 2 ? "sgt" : "sle") i64 %rows, 16")
            w.when(fits) { w in
                guard masksColumns else { return w.line("call void @\(name).\(rows)x2(\(arguments))") }
                let isWide = w.value("icmp sgt i64 \(columns), 16")
                w.when(isWide) { w in w.line("call void @\(name).\(rows)x2(\(arguments))") }
                w.when(w.value("xor i1 \(isWide), true")) { w in
                    w.line("call void @\(name).\(rows)x1(\(arguments))")
                }
            }
        }
    }

    // MARK: Configuration

    /// Loads the configuration for a block unless it is there.
    private func configure(_ bf16: BF16Unit) -> String {
        var w = FunctionWriter(symbols: [], bf16: bf16)
        let high = w.add(w.mul("%columns", "\(1 << 8)"), w.mul("%pairs", "\(1 << 16)"))
        let shape = w.add("%rows", high)
        let known = w.address("%state", "i8", "\(State.shape)")
        let loaded = w.value("load i64, ptr \(known), align 8")
        w.when(w.value("icmp ne i64 \(loaded), \(shape)")) { w in
            w.line("store i64 \(shape), ptr \(known), align 8")
            let tiles = TileShape.all(&w)
            w.line("call void @llvm.memset.p0.i64(ptr align 64 %state, i8 0, i64 64, i1 false)")
            // Palette 1: eight tiles of up to 16 rows of 64 bytes.
            w.line("store i8 1, ptr %state, align 64")
            for (tile, size) in tiles.enumerated() {
                let bytes = w.address("%state", "i8", "\(16 + 2 * tile)")
                w.line("store i16 \(size.rowBytes), ptr \(bytes), align 2")
                w.line("store i8 \(size.rows), ptr \(w.address("%state", "i8", "\(48 + tile)")), align 1")
            }
            w.line("call void @llvm.x86.ldtilecfg(ptr %state)")
        }
        return w.text("internal void @\(name).configure(ptr %state, i64 %rows, i64 %columns, i64 %pairs)")
    }
}

/// Rows (i8) and bytes of a row (i16) of one tile.
private struct TileShape {
    let rows: String
    let rowBytes: String

    /// The shapes of the eight tiles, as `TileBlock` numbers them, for `%rows`, `%columns` and `%pairs`.
    static func all(_ w: inout FunctionWriter) -> [TileShape] {
        /// How much of a block the first and the second tile take; tiles that nothing uses are whole, since a
        /// shape of zero would have to be zero in both directions.
        func split(_ size: String) -> [String] {
            let second = w.sub(size, "16")
            let isUsed = w.value("icmp sgt i64 \(second), 0")
            return [w.min(size, "16"), w.value("select i1 \(isUsed), i64 \(second), i64 16")]
        }
        func bytes(_ words: String) -> String { w.value("trunc i64 \(w.mul(words, "4")) to i16") }
        func narrow(_ rows: String) -> String { w.value("trunc i64 \(rows) to i8") }

        let rows = split("%rows").map { narrow($0) }
        let columns = split("%columns").map { bytes($0) }
        let (pairs, pairBytes) = (narrow("%pairs"), bytes("%pairs"))
        let sums = rows.flatMap { row in columns.map { TileShape(rows: row, rowBytes: $0) } }
        let left = rows.map { TileShape(rows: $0, rowBytes: pairBytes) }
        let right = columns.map { TileShape(rows: pairs, rowBytes: $0) }
        return sums + left + right
    }
}
