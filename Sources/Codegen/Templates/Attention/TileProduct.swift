import GraphIR
import KernelIR

/// A product of tiles in scratch memory, as functions of one register tile each:
/// `target[rows, columns] (+)= left[rows, depth] · right[depth, columns]`, all strides known. Operands are f32, or
/// words of two bf16 elements that are neighbours along the depth, and distances and depths are in words.
///
/// Rows run in whole register tiles: rows beyond the last one that is asked for get values that nobody reads.
struct TileProduct {
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

    /// Functions for tiles of two vectors and of one.
    func text(_ bf16: BF16Unit) -> String { function(vectors: 2, bf16) + "\n" + function(vectors: 1, bf16) }

    private func function(vectors: Int, _ bf16: BF16Unit) -> String {
        var w = FunctionWriter(symbols: [], bf16: bf16)
        let type = v.name(.f32)
        let word = isPaired ? "i32" : "float"
        let slots = (0..<rows).flatMap { row in (0..<vectors).map { (row, $0) } }
        let leftRows = (0..<rows).map { w.address("%left", "float", "\($0 * leftRow)") }
        let targets = slots.map { w.address("%target", "float", "\($0.0 * targetRow + $0.1 * lanes)") }
        let initial = slots.indices.map { index -> (type: String, initial: String) in
            if start == .zero { return (type, "zeroinitializer") }
            let before = w.value("load \(type), ptr \(targets[index]), align 4")
            guard start == .correctedTarget else { return (type, before) }
            let factor = w.value(
                "load float, ptr \(w.address("%factors", "float", "\(slots[index].0)")), align 4")
            return (type, v.op(&w, "fmul", before, v.splat(&w, factor, "float")))
        }
        func step(_ w: inout FunctionWriter, _ k: String, _ sums: [String]) -> [String] {
            let row = w.address("%right", "float", w.mul(k, "\(rightDepth)"))
            let right = (0..<vectors).map {
                w.value("load \(v.vector(word)), ptr \(w.address(row, word, "\($0 * lanes)")), align 4")
            }
            let depth = w.mul(k, "\(leftDepth)")
            let left = leftRows.map { pointer -> String in
                let scalar = w.value("load \(word), ptr \(w.address(pointer, word, depth)), align 4")
                return v.splat(&w, scalar, word)
            }
            return slots.enumerated().map { index, slot in
                let (a, b) = (left[slot.0], right[slot.1])
                return isPaired ? v.dot(&w, a, b, sums[index]) : v.fma(&w, a, b, sums[index])
            }
        }
        let whole = w.mul(w.value("udiv i64 %depth, \(Self.unroll)"), "\(Self.unroll)")
        var sums = w.loop(from: "0", to: whole, by: Self.unroll, carrying: initial) { w, k, carried in
            (0..<Self.unroll).reduce(carried) { step(&w, w.add(k, "\($1)"), $0) }
        }
        sums = w.loop(from: whole, to: "%depth", by: 1, carrying: sums.map { (type: type, initial: $0) }) {
            w, k, carried in step(&w, k, carried)
        }
        if factor != 1 { sums = sums.map { v.op(&w, "fmul", $0, v.float(factor)) } }
        for (target, sum) in zip(targets, sums) { w.line("store \(type) \(sum), ptr \(target), align 4") }
        return w.text(
            "internal void @\(name).\(vectors)(ptr %left, ptr %right, ptr %target, i64 %depth, ptr %factors)")
    }

    /// Addresses and sizes of one product; `factors` has a number a row for `.correctedTarget`.
    struct Operands {
        let left: String
        let right: String
        let target: String
        let rows: String
        let depth: String
        var factors = "null"
    }

    /// The product over a number of columns that is known: pairs of vectors, then one.
    func write(_ w: inout FunctionWriter, _ o: Operands, columns: Int) {
        let pairs = columns / (2 * lanes)
        writePanels(&w, o, count: "\(pairs)")
        if columns % (2 * lanes) != 0 { writeRows(&w, o, panel: "\(pairs)", vectors: 1) }
    }

    /// The product over `count` pairs of column vectors.
    func writePanels(_ w: inout FunctionWriter, _ o: Operands, count: String) {
        w.loop(from: "0", to: count, by: 1) { w, panel, _ in
            writeRows(&w, o, panel: panel, vectors: 2)
            return []
        }
    }

    private func writeRows(_ w: inout FunctionWriter, _ o: Operands, panel: String, vectors: Int) {
        let right = w.address(o.right, "float", w.mul(panel, "\(rightPanel)"))
        let target = w.address(o.target, "float", w.mul(panel, "\(2 * lanes)"))
        w.loop(from: "0", to: o.rows, by: rows) { w, row, _ in
            let left = w.address(o.left, "float", w.mul(row, "\(leftRow)"))
            let place = w.address(target, "float", w.mul(row, "\(targetRow)"))
            let factors = start == .correctedTarget ? w.address(o.factors, "float", row) : "null"
            w.line(
                "call void @\(name).\(vectors)(ptr \(left), ptr \(right), ptr \(place), i64 \(o.depth), ptr \(factors))"
            )
            return []
        }
    }
}
