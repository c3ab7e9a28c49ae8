import KernelIR

/// The innermost function of `TileKernel`: whole tiles, as they are configured.
///
/// Tiles 0 to 3 are the sums, two a row; 4 and 5 the left operand's two rows of tiles; 6 and 7 the panel's
/// two columns. Their shapes differ, so code generation must leave their numbers alone.
struct TileBlock {
    /// 1 or 2.
    let rows: Int
    let columns: Int
    let terms: Int

    /// Steps in one round of the loop: what ran best on Sapphire Rapids.
    private static let unroll = 3
    /// Bytes of one step along the depth: 32 bf16 of a left row, and 16 rows of 32 pairs of a panel.
    private static let leftStep = 64
    private static let panelStep = 2048
    /// Bytes of one row of a panel.
    private static let panelRow = 128
    /// Some processors' schedules (AMD's) come with LLVM's breaker of anti-dependencies, which gives a tile
    /// another number when that one seems free; the shapes of the tiles are none of its business. This
    /// schedule has none.
    private static let attributes = "\"tune-cpu\"=\"sapphirerapids\""

    /// Terms of the left and of the right operand of each product.
    ///
    /// One operand of each product is also the next one's: 8 loads for 12 tile products with two terms, 14
    /// for 24 with three. Summing all small products before the first large one would take a load a product;
    /// the error is the same with two terms, and with three it is below that of f32 either way.
    var products: [(left: Int, right: Int)] {
        switch terms {
        case 1: [(0, 0)]
        case 2: [(1, 0), (0, 0), (0, 1)]
        default: [(2, 0), (1, 0), (1, 1), (0, 1), (0, 2), (0, 0)]
        }
    }

    /// Sizes and distances are in bytes: `steps` along the depth, from row to row, from term to term.
    func text(_ name: String, _ bf16: BF16Unit) -> String {
        var w = FunctionWriter(symbols: [], bf16: bf16)
        let leftRows = tileStarts(&w, "%left", "%left_row", rows)
        let targetRows = tileStarts(&w, "%target", "%target_row", rows)
        let targets = targetRows.enumerated().flatMap { row, start in
            (0..<columns).map { (tile: 2 * row + $0, place: w.address(start, "i8", "\($0 * 64)")) }
        }
        w.when("%first") { w in
            for target in targets { w.line("call void @llvm.x86.tilezero(i8 \(target.tile))") }
        }
        w.when(w.value("xor i1 %first, true")) { w in
            for target in targets { load(&w, target.tile, target.place, "%target_row") }
        }
        let whole = w.mul(w.value("udiv i64 %steps, \(Self.unroll)"), "\(Self.unroll)")
        w.loop(from: "0", to: whole, by: Self.unroll) { w, step, _ in
            for next in 0..<Self.unroll { self.step(&w, w.add(step, "\(next)"), leftRows) }
            return []
        }
        w.loop(from: whole, to: "%steps", by: 1) { w, step, _ in
            self.step(&w, step, leftRows)
            return []
        }
        for target in targets {
            w.line(
                "call void @llvm.x86.tilestored64(i8 \(target.tile), ptr \(target.place), i64 %target_row)")
        }
        return w.text(
            "internal void @\(name).\(rows)x\(columns)(ptr %left, ptr %panel, ptr %target, i64 %steps, i1 %first, i64 %left_row, i64 %target_row, i64 %left_term, i64 %panel_term) \(Self.attributes)"
        )
    }

    /// The first row of each of `count` tiles of 16 rows.
    private func tileStarts(_ w: inout FunctionWriter, _ base: String, _ row: String, _ count: Int)
        -> [String]
    {
        (0..<count).map { w.address(base, "i8", w.mul(row, "\($0 * 16)")) }
    }

    private func load(
        _ w: inout FunctionWriter, _ tile: Int, _ place: String, _ row: String, streams: Bool = false
    ) {
        w.line("call void @llvm.x86.tileload\(streams ? "dt1" : "d")64(i8 \(tile), ptr \(place), i64 \(row))")
    }

    /// Adds the products of 32 columns of the left operand. Panels are loaded with the hint that they need
    /// not stay in the level-1 cache: the left operand must.
    private func step(_ w: inout FunctionWriter, _ step: String, _ leftRows: [String]) {
        let leftStep = w.mul(step, "\(Self.leftStep)")
        let panelStep = w.mul(step, "\(Self.panelStep)")
        var loaded: (left: Int?, right: Int?) = (nil, nil)
        for (left, right) in products {
            func loadLeft(_ row: Int) {
                guard loaded.left != left else { return }
                let offset = w.add(leftStep, w.mul("%left_term", "\(left)"))
                load(&w, 4 + row, w.address(leftRows[row], "i8", offset), "%left_row")
            }
            func loadRight(_ column: Int) {
                guard loaded.right != right else { return }
                let start = w.add(panelStep, w.mul("%panel_term", "\(right)"))
                let place = w.address("%panel", "i8", w.add(start, "\(column * 64)"))
                load(&w, 6 + column, place, "\(Self.panelRow)", streams: true)
            }
            for row in 0..<rows {
                loadLeft(row)
                for column in 0..<columns {
                    if row == 0 { loadRight(column) }
                    w.line(
                        "call void @llvm.x86.tdpbf16ps(i8 \(2 * row + column), i8 \(4 + row), i8 \(6 + column))"
                    )
                }
            }
            loaded = (left, right)
        }
    }
}
