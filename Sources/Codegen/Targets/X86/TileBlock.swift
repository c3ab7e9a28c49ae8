import KernelIR
import Target

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

    /// What a caller passes: `steps` along the depth, and distances in bytes from row to row and from term to term.
    struct Call {
        let left: Pointer
        let panel: Pointer
        let target: Pointer
        let steps: I64
        /// Whether the target is overwritten.
        let first: I1
        let leftRow: I64
        let targetRow: I64
        let leftTerm: I64
        let panelTerm: I64

        /// The same in the function that is called.
        fileprivate static let parameters = Call(
            left: Pointer(parameter: "left"), panel: Pointer(parameter: "panel"),
            target: Pointer(parameter: "target"), steps: I64(parameter: "steps"),
            first: I1(parameter: "first"), leftRow: I64(parameter: "left_row"),
            targetRow: I64(parameter: "target_row"), leftTerm: I64(parameter: "left_term"),
            panelTerm: I64(parameter: "panel_term"))

        fileprivate var arguments: [any LLVMValue] {
            [left, panel, target, steps, first, leftRow, targetRow, leftTerm, panelTerm]
        }
    }

    private func name(_ prefix: String) -> String { "\(prefix).\(rows)x\(columns)" }

    func call(_ w: inout FunctionWriter, _ prefix: String, _ call: Call) {
        w.call(name(prefix), call.arguments)
    }

    func text(_ prefix: String, _ target: Target) -> String {
        var w = FunctionWriter(symbols: [], target: target)
        let p = Call.parameters
        let leftRows = tileStarts(&w, p.left, p.leftRow, rows)
        let targetRows = tileStarts(&w, p.target, p.targetRow, rows)
        let targets = targetRows.enumerated().flatMap { row, start in
            (0..<columns).map { (tile: 2 * row + $0, place: w.address(start, .i8, $0 * 64)) }
        }
        w.when(p.first) { w in
            for target in targets { w.call("llvm.x86.tilezero", [I8(target.tile)]) }
        } otherwise: { w in
            for target in targets { load(&w, target.tile, target.place, p.targetRow) }
        }
        let whole = w.mul(w.udiv(p.steps, Self.unroll), Self.unroll)
        w.loop(from: 0, to: whole, by: Self.unroll) { w, step in
            for next in 0..<Self.unroll { self.step(&w, w.add(step, next), leftRows) }
        }
        w.loop(from: whole, to: p.steps, by: 1) { w, step in self.step(&w, step, leftRows) }
        for target in targets {
            w.call("llvm.x86.tilestored64", [I8(target.tile), target.place, p.targetRow])
        }
        return w.text(name(prefix), p.arguments, attributes: Self.attributes)
    }

    /// The first row of each of `count` tiles of 16 rows.
    private func tileStarts(_ w: inout FunctionWriter, _ base: Pointer, _ row: I64, _ count: Int) -> [Pointer]
    {
        (0..<count).map { w.address(base, .i8, w.mul(row, $0 * 16)) }
    }

    private func load(
        _ w: inout FunctionWriter, _ tile: Int, _ place: Pointer, _ row: I64, streams: Bool = false
    ) {
        w.call("llvm.x86.tileload\(streams ? "dt1" : "d")64", [I8(tile), place, row])
    }

    /// Adds the products of 32 columns of the left operand. Panels are loaded with the hint that they need
    /// not stay in the level-1 cache: the left operand must.
    private func step(_ w: inout FunctionWriter, _ step: I64, _ leftRows: [Pointer]) {
        let p = Call.parameters
        let leftStep = w.mul(step, Self.leftStep)
        let panelStep = w.mul(step, Self.panelStep)
        var loaded: (left: Int?, right: Int?) = (nil, nil)
        for (left, right) in products {
            func loadLeft(_ row: Int) {
                guard loaded.left != left else { return }
                let offset = w.add(leftStep, w.mul(p.leftTerm, left))
                load(&w, 4 + row, w.address(leftRows[row], .i8, offset), p.leftRow)
            }
            func loadRight(_ column: Int) {
                guard loaded.right != right else { return }
                let start = w.add(panelStep, w.mul(p.panelTerm, right))
                let place = w.address(p.panel, .i8, w.add(start, column * 64))
                load(&w, 6 + column, place, I64(Self.panelRow), streams: true)
            }
            for row in 0..<rows {
                loadLeft(row)
                for column in 0..<columns {
                    if row == 0 { loadRight(column) }
                    w.call("llvm.x86.tdpbf16ps", [I8(2 * row + column), I8(4 + row), I8(6 + column)])
                }
            }
            loaded = (left, right)
        }
    }
}
