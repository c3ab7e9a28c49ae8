import GraphIR
import KernelIR
import Target

/// A product of tiles in scratch memory, as functions of one register tile each:
/// `target[rows, columns] (+)= left[rows, depth] · right[depth, columns]`, all strides known. Operands are f32, or
/// words of two bf16 elements that are neighbours along the depth, and distances and depths are in words.
///
/// Rows run in whole register tiles: rows beyond the last one that is asked for get values that nobody reads.
struct TileProduct: Hashable {
    enum Start {
        case zero
        /// Adds to what is in the target.
        case target
        /// Adds to the target, each row of it multiplied by a number of its own first.
        case correctedTarget
    }

    let name: String
    let rows: Int
    let lanes: Int
    let isPaired: Bool
    let start: Start
    /// What the product is multiplied by; only with the start `.zero`.
    var factor = 1.0
    let leftRow: Int
    let leftDepth: Int
    let rightDepth: Int
    let targetRow: Int
    /// Distance between neighbouring pairs of columns vectors in the right operand.
    let rightPanel: Int

    private var v: VectorWriter { VectorWriter(lanes: lanes) }
    private static let unroll = 4

    /// The names of the functions.
    var symbols: [String] {
        vectorCounts.flatMap { vectors in rowCounts.map { functionName(rows: $0, vectors: vectors) } }
    }

    func text(_ target: Target) -> String {
        vectorCounts.flatMap { vectors in
            rowCounts.map { function(rows: $0, vectors: vectors, target) }
        }.joined(separator: "\n")
    }

    /// Vectors in a row of the register tiles: pairs, and the last one where their number is odd.
    private var vectorCounts: [Int] {
        let vectors = targetRow / lanes
        return (vectors > 1 ? [2] : []) + (vectors % 2 == 1 ? [1] : [])
    }

    /// Rows of a register tile, and of the last one where that has at most half as many.
    private var rowCounts: [Int] { rows % 2 == 0 ? [rows, rows / 2] : [rows] }

    private func functionName(rows: Int, vectors: Int) -> String { "\(name).\(rows)x\(vectors)" }

    /// What the functions are passed: addresses of one register tile.
    private struct Call {
        let left: Pointer
        let right: Pointer
        let target: Pointer
        let depth: I64
        let factors: Pointer

        static let parameters = Call(
            left: Pointer(parameter: "left"), right: Pointer(parameter: "right"),
            target: Pointer(parameter: "target"), depth: I64(parameter: "depth"),
            factors: Pointer(parameter: "factors"))

        var arguments: [any LLVMValue] { [left, right, target, depth, factors] }
    }

    private func function(rows: Int, vectors: Int, _ target: Target) -> String {
        var w = FunctionWriter(symbols: [], target: target)
        let p = Call.parameters
        let word: ScalarType = isPaired ? .i32 : .float
        let slots = (0..<rows).flatMap { row in (0..<vectors).map { (row, $0) } }
        let leftRows = (0..<rows).map { w.address(p.left, .float, $0 * leftRow) }
        let targets = slots.map { w.address(p.target, .float, $0.0 * targetRow + $0.1 * lanes) }
        func step(_ w: inout FunctionWriter, _ k: I64, _ sums: [Vector<F32>]) -> [Vector<F32>] {
            let row = w.address(p.right, .float, w.mul(k, rightDepth))
            let right = (0..<vectors).map { index -> AnyVector in
                w.load(v.type(word), w.address(row, word, index * lanes))
            }
            let depth = w.mul(k, leftDepth)
            let left = leftRows.map { pointer -> AnyVector in
                v.splat(&w, scalar: w.load(LLVMType(word), w.address(pointer, word, depth)))
            }
            return slots.enumerated().map { index, slot in
                let (a, b) = (left[slot.0], right[slot.1])
                return isPaired
                    ? v.dot(&w, a.of(I32.self), b.of(I32.self), sums[index])
                    : w.fma(a.of(F32.self), b.of(F32.self), sums[index])
            }
        }
        var sums = zip(slots, targets).map { initial(&w, row: $0.0, target: $1) }
        let whole = w.mul(w.udiv(p.depth, Self.unroll), Self.unroll)
        sums = w.loop(from: 0, to: whole, by: Self.unroll, carrying: sums) { w, k, carried in
            (0..<Self.unroll).reduce(carried) { step(&w, w.add(k, $1), $0) }
        }
        sums = w.loop(from: whole, to: p.depth, by: 1, carrying: sums) { w, k, carried in
            step(&w, k, carried)
        }
        if factor != 1 { sums = sums.map { w.fmul($0, v.float(factor)) } }
        for (target, sum) in zip(targets, sums) { w.store(sum, target) }
        return w.text(functionName(rows: rows, vectors: vectors), p.arguments)
    }

    /// What a vector of the target starts from.
    private func initial(_ w: inout FunctionWriter, row: Int, target: Pointer) -> Vector<F32> {
        if start == .zero { return Vector(text: "zeroinitializer", lanes: lanes) }
        let before = v.load(&w, F32.self, target)
        guard start == .correctedTarget else { return before }
        let factor = w.load(F32.self, w.address(Call.parameters.factors, .float, row))
        return w.fmul(before, v.splat(&w, factor))
    }

    /// Addresses and sizes of one product; `factors` has one number per row for `.correctedTarget`.
    struct Operands {
        let left: Pointer
        let right: Pointer
        let target: Pointer
        let rows: I64
        let depth: I64
        var factors = Pointer.null
    }

    /// The product over a number of columns that is known: pairs of vectors, then one.
    func write(_ w: inout FunctionWriter, _ o: Operands, columns: Int) {
        let pairs = I64(columns / (2 * lanes))
        writePanels(&w, o, count: pairs)
        if columns % (2 * lanes) != 0 { writeRows(&w, o, panel: pairs, vectors: 1) }
    }

    /// The product over `count` pairs of column vectors.
    func writePanels(_ w: inout FunctionWriter, _ o: Operands, count: I64) {
        w.loop(from: 0, to: count, by: 1) { w, panel in writeRows(&w, o, panel: panel, vectors: 2) }
    }

    private func writeRows(_ w: inout FunctionWriter, _ o: Operands, panel: I64, vectors: Int) {
        let right = w.address(o.right, .float, w.mul(panel, rightPanel))
        let target = w.address(o.target, .float, w.mul(panel, 2 * lanes))
        func write(_ w: inout FunctionWriter, _ rows: Int, at row: I64) {
            let call = Call(
                left: w.address(o.left, .float, w.mul(row, leftRow)), right: right,
                target: w.address(target, .float, w.mul(row, targetRow)), depth: o.depth,
                factors: start == .correctedTarget ? w.address(o.factors, .float, row) : .null)
            w.call(functionName(rows: rows, vectors: vectors), call.arguments)
        }
        guard let half = rowCounts.dropFirst().first else {
            return w.loop(from: 0, to: o.rows, by: rows) { w, row in write(&w, rows, at: row) }
        }
        // At most half a tile is left over, or more.
        let whole = w.mul(w.udiv(w.add(o.rows, half - 1), rows), rows)
        w.loop(from: 0, to: whole, by: rows) { w, row in write(&w, rows, at: row) }
        w.when(w.compare(.slt, whole, o.rows)) { w in write(&w, half, at: whole) }
    }
}
