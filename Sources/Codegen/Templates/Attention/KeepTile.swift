import GraphIR
import KernelIR

/// Dropout's mask for a tile [queries][keys] of probabilities, a bit an element: the same bits as `Philox.keeps` at
/// row token * heads + head and the key's column.
///
/// One call of the generator makes the words of four elements of a row. Its first rounds mix row and column little:
/// what depends on the column alone is computed once for all rows of a tile, what depends on the row alone once a row.
/// Words are kept in the lower halves of i64 lanes, where the wide multiplication reads and writes them.
struct KeepTile {
    let kernel: AttentionKernel
    let name: String

    /// Lanes of i64: as many as a byte of the mask has bits.
    private static let lanes = 8
    private var v: VectorWriter { VectorWriter(lanes: Self.lanes) }
    private var wide: String { v.vector("i64") }
    /// The terms that belong to a column: the words of the state after round 1 or 2, in part.
    private enum Term: Int, CaseIterable { case secondC2, thirdC0, thirdC2, thirdC3 }
    private static var span: Int { Philox.span }

    // MARK: Arithmetic on 64-bit lanes

    private func splat(_ w: inout FunctionWriter, _ scalar: String) -> String { v.splat(&w, scalar, "i64") }

    private func xor(_ w: inout FunctionWriter, _ type: String, _ a: String, _ b: String) -> String {
        w.value("xor \(type) \(a), \(b)")
    }

    private func constant(_ type: String, _ value: UInt64) -> String {
        type == "i64" ? "\(value)" : "splat (i64 \(value))"
    }

    /// The lower half of `x` times a constant; the upper half of `x` is not read.
    private func multiply(_ w: inout FunctionWriter, _ type: String, _ x: String, _ factor: UInt32) -> String
    {
        let low = w.value("and \(type) \(x), \(constant(type, 0xFFFF_FFFF))")
        return w.value("mul \(type) \(low), \(constant(type, UInt64(factor)))")
    }

    private func high(_ w: inout FunctionWriter, _ type: String, _ product: String) -> String {
        w.value("lshr \(type) \(product), \(constant(type, 32))")
    }

    /// The lower half in the place of the upper.
    private func raised(_ w: inout FunctionWriter, _ x: String) -> String {
        w.value("shl \(wide) \(x), \(constant(wide, 32))")
    }

    private var factors: (UInt32, UInt32) { Philox.multipliers }

    // MARK: Keys

    /// The two halves of the key in each round, from rng's seed.
    private func keys(_ w: inout FunctionWriter, seed: String) -> [(String, String)] {
        let upper = w.value("lshr i64 \(seed), 32")
        return (0..<Philox.rounds).map { round in
            func key(_ start: String, _ weyl: UInt32) -> String {
                let sum = w.value("add i64 \(start), \(UInt64(weyl) * UInt64(round))")
                return w.value("and i64 \(sum), 4294967295")
            }
            return (key(seed, Philox.weyl.0), key(upper, Philox.weyl.1))
        }
    }

    /// Seed and step, read from the buffer of rng.
    private func generator(_ w: inout FunctionWriter) -> (seed: String, step: String) {
        let pointer = w.buffer(kernel.rng)
        let stepPointer = w.entryValue("getelementptr i64, ptr \(pointer), i64 1")
        return (
            w.entryValue("load i64, ptr \(pointer), align 8"),
            w.entryValue("load i64, ptr \(stepPointer), align 8")
        )
    }

    /// The stream's number times the generator's second factor: round 1 of a word that is the same in all elements.
    private func streamProduct(_ w: inout FunctionWriter) -> String {
        let stream = w.entryValue("load i64, ptr \(w.buffer(kernel.stream)), align 8")
        let word = w.entryValue("and i64 \(stream), 4294967295")
        return w.entryValue("mul i64 \(word), \(factors.1)")
    }

    // MARK: Columns

    /// Writes the terms of `count` columns from `column` (i64, a multiple of `4 * Philox.span`) on.
    func writeColumns(_ w: inout FunctionWriter, terms: String, column: String, count: String) {
        let (seed, step) = generator(&w)
        let keys = keys(&w, seed: seed)
        let numbers = "<" + (0..<Self.lanes).map { "i64 \($0)" }.joined(separator: ", ") + ">"
        let c1 = w.value("and i64 \(streamProduct(&w)), 4294967295")
        // Of four columns one has a counter.
        let counter = w.value("lshr i64 \(column), 2")
        let counters = w.mul(w.ceilDivide(count, 4 * Self.span), "\(Self.span)")
        w.loop(from: "0", to: counters, by: Self.lanes) { w, index, _ in
            let c0 = w.value("add \(wide) \(splat(&w, w.add(counter, index))), \(numbers)")
            // Round 1: c2 and c3 depend on the column, c0 on the row, c1 on neither.
            let p0 = multiply(&w, wide, c0, factors.0)
            let mixed = xor(&w, wide, high(&w, wide, p0), splat(&w, xor(&w, "i64", step, keys[0].1)))
            // Round 2: c0 and c1 depend on the column, c3 on the row, c2 is one of each.
            let p1 = multiply(&w, wide, mixed, factors.1)
            let secondKey = splat(&w, w.value("xor i64 \(keys[1].0), \(c1)"))
            let secondC0 = xor(&w, wide, high(&w, wide, p1), secondKey)
            let secondC2 = xor(&w, wide, p0, splat(&w, keys[1].1))
            // Round 3: c3 depends on the column, c0 and c2 have a part that does.
            let q0 = multiply(&w, wide, secondC0, factors.0)
            let thirdC0 = xor(&w, wide, p1, splat(&w, keys[2].0))
            let thirdC2 = xor(&w, wide, high(&w, wide, q0), splat(&w, keys[2].1))
            for (term, value) in [
                (Term.secondC2, secondC2), (.thirdC0, thirdC0), (.thirdC2, thirdC2), (.thirdC3, q0),
            ] {
                w.line("store \(wide) \(value), ptr \(termAddress(&w, terms, term, index)), align 8")
            }
            return []
        }
    }

    private func termAddress(_ w: inout FunctionWriter, _ terms: String, _ term: Term, _ index: String)
        -> String
    {
        let base = w.address(terms, "i64", "\(term.rawValue * kernel.tile.keys / 4)")
        return w.address(base, "i64", index)
    }

    // MARK: Rows

    /// Writes the bits of `rows` rows and `count` columns, the first row of number `row` (i64, token * heads + head).
    func write(
        _ w: inout FunctionWriter, terms: String, bits: String, row: String, rows: String, count: String
    ) {
        let seed = generator(&w).seed
        let stream = high(&w, "i64", streamProduct(&w))
        w.line(
            "call void @\(name)(ptr \(terms), ptr \(bits), i64 \(row), i64 \(rows), i64 \(count), i64 \(seed), i64 \(stream))"
        )
    }

    /// The function that `write` calls.
    func text(_ bf16: BF16Unit) -> String {
        var w = FunctionWriter(symbols: [], bf16: bf16)
        let keys = keys(&w, seed: "%seed")
        let rowKey = w.value("xor i64 \(keys[0].0), %stream")
        let roundKeys = keys.map { (splat(&w, $0.0), splat(&w, $0.1)) }
        let last = (raised(&w, roundKeys[Philox.rounds - 1].0), raised(&w, roundKeys[Philox.rounds - 1].1))
        w.loop(from: "0", to: "%rows", by: 1) { w, index, _ in
            let row = w.add("%row", w.mul(index, "\(kernel.heads)"))
            let p0 = multiply(&w, "i64", xor(&w, "i64", row, rowKey), factors.0)
            let (rowHigh, rowLow) = (splat(&w, high(&w, "i64", p0)), splat(&w, p0))
            let line = w.address("%bits", "i8", w.mul(index, "\(kernel.tile.keys / 8)"))
            w.loop(from: "0", to: "%count", by: 4 * Self.span) { w, column, _ in
                for half in 0..<(Self.span / Self.lanes) {
                    let first = w.add(w.value("lshr i64 \(column), 2"), "\(half * Self.lanes)")
                    let words = words(&w, rowHigh, rowLow, roundKeys, last: last, at: first)
                    for (word, random) in words.enumerated() {
                        let threshold = UInt64(Philox.threshold(rate: kernel.attributes.rate)) << 32
                        let keep = w.value("icmp uge \(wide) \(random), \(constant(wide, threshold))")
                        let mask = w.value("bitcast \(v.name(.bool)) \(keep) to i8")
                        let byte = w.add(
                            w.value("lshr i64 \(column), 3"), "\((word * Self.span + half * Self.lanes) / 8)")
                        w.line("store i8 \(mask), ptr \(w.address(line, "i8", byte)), align 1")
                    }
                }
                return []
            }
            return []
        }
        return w.text(
            "internal void @\(name)(ptr %terms, ptr %bits, i64 %row, i64 %rows, i64 %count, i64 %seed, i64 %stream)"
        )
    }

    /// The generator's four words for one vector of counters in the upper halves of lanes: rounds 3 to 7.
    private func words(
        _ w: inout FunctionWriter, _ rowHigh: String, _ rowLow: String, _ keys: [(String, String)],
        last: (String, String), at index: String
    ) -> [String] {
        let terms = Term.allCases.map { term in
            w.value("load \(wide), ptr \(termAddress(&w, "%terms", term, index)), align 8")
        }
        func mixed(_ w: inout FunctionWriter, _ product: String, _ other: String, _ key: String) -> String {
            xor(&w, wide, xor(&w, wide, product, other), key)
        }
        let second = xor(&w, wide, rowHigh, terms[Term.secondC2.rawValue])
        let p1 = multiply(&w, wide, second, factors.1)
        var c = [
            xor(&w, wide, high(&w, wide, p1), terms[Term.thirdC0.rawValue]), p1,
            xor(&w, wide, rowLow, terms[Term.thirdC2.rawValue]), terms[Term.thirdC3.rawValue],
        ]
        for round in 3..<(Philox.rounds - 1) {
            let p0 = multiply(&w, wide, c[0], factors.0)
            let p1 = multiply(&w, wide, c[2], factors.1)
            c = [
                mixed(&w, high(&w, wide, p1), c[1], keys[round].0), p1,
                mixed(&w, high(&w, wide, p0), c[3], keys[round].1), p0,
            ]
        }
        let q0 = multiply(&w, wide, c[0], factors.0)
        let q1 = multiply(&w, wide, c[2], factors.1)
        return [
            mixed(&w, q1, raised(&w, c[1]), last.0), raised(&w, q1),
            mixed(&w, q0, raised(&w, c[3]), last.1), raised(&w, q0),
        ]
    }

    /// The lanes of the tile's vector at `row` and `column` that are kept.
    func mask(_ w: inout FunctionWriter, bits: String, row: String, column: String) -> String {
        let lanes = kernel.tile.lanes
        let line = w.address(bits, "i8", w.mul(row, "\(kernel.tile.keys / 8)"))
        let place = w.address(line, "i8", w.value("lshr i64 \(column), 3"))
        let mask = w.value("load i\(lanes), ptr \(place), align 1")
        return w.value("bitcast i\(lanes) \(mask) to \(VectorWriter(lanes: lanes).name(.bool))")
    }
}
