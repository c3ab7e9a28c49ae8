import GraphIR
import KernelIR
import Target

/// Dropout's mask for a tile [queries][keys] of probabilities, one bit per element: the same bits as `Philox.keeps` at
/// row token * heads + head and the key's column.
///
/// One call of the generator makes the words of four elements of a row. Its first rounds mix row and column little:
/// what depends on the column alone is computed once for all rows of a tile, what depends on the row alone once per row.
/// Words are kept in the lower halves of i64 lanes, where the wide multiplication reads and writes them.
struct KeepTile: Hashable {
    private let heads: Int
    private let tileKeys: Int
    private let rate: Double
    private let tileLanes: Int
    /// The buffers of seed and step and of the stream's number.
    private var rng: Int
    private var stream: Int

    init(_ kernel: AttentionKernel) {
        heads = kernel.heads
        tileKeys = kernel.tile.keys
        rate = kernel.attributes.rate
        tileLanes = kernel.tile.lanes
        rng = kernel.rng
        stream = kernel.stream
    }

    /// What the function that `write` calls depends on: no buffers.
    var function: KeepTile {
        var function = self
        (function.rng, function.stream) = (0, 0)
        return function
    }

    /// The function's name.
    static let name = "keep"

    /// Lanes of i64: as many as a byte of the mask has bits.
    private static let lanes = 8
    private var v: VectorWriter { VectorWriter(lanes: Self.lanes) }
    /// The terms that belong to a column: the words of the state after round 1 or 2, in part.
    private enum Term: Int, CaseIterable { case secondC2, thirdC0, thirdC2, thirdC3 }
    private static var span: Int { Philox.span }

    // MARK: Arithmetic on 64-bit lanes

    private func splat(_ w: inout FunctionWriter, _ scalar: I64) -> Vector<I64> { v.splat(&w, scalar) }

    /// A constant of the type of `x`, which has lanes of 64 bits.
    private func constant<V: IntegerValue>(_ value: UInt64, like x: V) -> V {
        precondition(x.type.scalar == .i64, "\(x) has no lanes of 64 bits")
        return V(text: x.type.lanes == 1 ? "\(value)" : "splat (i64 \(value))", type: x.type)
    }

    /// The lower half of `x` times a constant; the upper half of `x` is not read.
    private func multiply<V: IntegerValue>(_ w: inout FunctionWriter, _ x: V, _ factor: UInt32) -> V {
        let low = lowHalf(&w, x)
        return w.mul(low, constant(UInt64(factor), like: x))
    }

    private func lowHalf<V: IntegerValue>(_ w: inout FunctionWriter, _ x: V) -> V {
        w.and(x, constant(0xFFFF_FFFF, like: x))
    }

    private func high<V: IntegerValue>(_ w: inout FunctionWriter, _ product: V) -> V {
        w.lshr(product, constant(32, like: product))
    }

    /// The lower half in the place of the upper.
    private func raised(_ w: inout FunctionWriter, _ x: Vector<I64>) -> Vector<I64> {
        w.shl(x, constant(32, like: x))
    }

    private func add<V: IntegerValue>(_ w: inout FunctionWriter, _ x: V, _ value: UInt64) -> V {
        w.add(x, constant(value, like: x))
    }

    private var factors: (UInt32, UInt32) { Philox.multipliers }

    // MARK: Keys

    /// The two halves of the key in each round, from rng's seed.
    private func roundKeys(_ w: inout FunctionWriter, seed: I64) -> [(I64, I64)] {
        let upper = w.lshr(seed, 32)
        return (0..<Philox.rounds).map { round in
            func key(_ start: I64, _ weyl: UInt32) -> I64 {
                lowHalf(&w, add(&w, start, UInt64(weyl) * UInt64(round)))
            }
            return (key(seed, Philox.weyl.0), key(upper, Philox.weyl.1))
        }
    }

    /// Seed and step, read from the buffer of rng.
    private func generator(_ w: inout FunctionWriter) -> (seed: I64, step: I64) {
        let pointer = w.buffer(rng)
        return w.once { w in
            let stepPointer = w.address(pointer, .i64, 1)
            return (w.load(I64.self, pointer), w.load(I64.self, stepPointer))
        }
    }

    /// The stream's number times the generator's second factor: round 1 of a word that is the same in all elements.
    private func streamProduct(_ w: inout FunctionWriter) -> I64 {
        let pointer = w.buffer(stream)
        return w.once { w in multiply(&w, w.load(I64.self, pointer), factors.1) }
    }

    // MARK: Columns

    /// Writes the terms of `count` columns from `column` (a multiple of `4 * Philox.span`) on.
    func writeColumns(_ w: inout FunctionWriter, terms: Pointer, column: I64, count: I64) {
        let (seed, step) = generator(&w)
        let keys = roundKeys(&w, seed: seed)
        let numbers = Vector((0..<Self.lanes).map { I64($0) })
        let c1 = lowHalf(&w, streamProduct(&w))
        // Four columns share a counter.
        let counter = w.lshr(column, 2)
        let counters = w.mul(w.ceilDivide(count, 4 * Self.span), Self.span)
        w.loop(from: 0, to: counters, by: Self.lanes) { w, index in
            let c0 = w.add(splat(&w, w.add(counter, index)), numbers)
            // Round 1: c2 and c3 depend on the column, c0 on the row, c1 on neither.
            let p0 = multiply(&w, c0, factors.0)
            let mixed = w.xor(high(&w, p0), splat(&w, w.xor(step, keys[0].1)))
            // Round 2: c0 and c1 depend on the column, c3 on the row, c2 is one of each.
            let p1 = multiply(&w, mixed, factors.1)
            let secondKey = splat(&w, w.xor(keys[1].0, c1))
            let secondC0 = w.xor(high(&w, p1), secondKey)
            let secondC2 = w.xor(p0, splat(&w, keys[1].1))
            // Round 3: c3 depends on the column, c0 and c2 have a part that does.
            let q0 = multiply(&w, secondC0, factors.0)
            let thirdC0 = w.xor(p1, splat(&w, keys[2].0))
            let thirdC2 = w.xor(high(&w, q0), splat(&w, keys[2].1))
            for (term, value) in [
                (Term.secondC2, secondC2), (.thirdC0, thirdC0), (.thirdC2, thirdC2), (.thirdC3, q0),
            ] {
                w.store(value, termAddress(&w, terms, term, index))
            }
        }
    }

    private func termAddress(
        _ w: inout FunctionWriter, _ terms: Pointer, _ term: Term, _ index: I64
    ) -> Pointer {
        let base = w.address(terms, .i64, term.rawValue * tileKeys / 4)
        return w.address(base, .i64, index)
    }

    // MARK: Rows

    /// Some rows of a tile: where the columns' terms and the bits are, and the number of the first row, token * heads +
    /// head.
    struct Rows {
        let terms: Pointer
        let bits: Pointer
        let row: I64
        let rows: I64
        let count: I64

        fileprivate static let parameters = Rows(
            terms: Pointer(parameter: "terms"), bits: Pointer(parameter: "bits"), row: I64(parameter: "row"),
            rows: I64(parameter: "rows"), count: I64(parameter: "count"))

        fileprivate func arguments(seed: I64, stream: I64) -> [any LLVMValue] {
            [terms, bits, row, rows, count, seed, stream]
        }
    }

    /// Writes the bits of rows and columns.
    func write(_ w: inout FunctionWriter, _ rows: Rows) {
        let seed = generator(&w).seed
        let stream = high(&w, streamProduct(&w))
        w.call(Self.name, rows.arguments(seed: seed, stream: stream))
    }

    /// The function that `write` calls.
    func text(_ target: Target) -> String {
        var w = FunctionWriter(symbols: [], target: target)
        let p = Rows.parameters
        let (seed, stream) = (I64(parameter: "seed"), I64(parameter: "stream"))
        let keys = roundKeys(&w, seed: seed)
        let rowKey = w.xor(keys[0].0, stream)
        let roundKeys = keys.map { RoundKey(first: splat(&w, $0.0), second: splat(&w, $0.1)) }
        let last = roundKeys[Philox.rounds - 1]
        let raisedLast = RoundKey(first: raised(&w, last.first), second: raised(&w, last.second))
        w.loop(from: 0, to: p.rows, by: 1) { w, index in
            let row = w.add(p.row, w.mul(index, heads))
            let p0 = multiply(&w, w.xor(row, rowKey), factors.0)
            let state = RowState(
                high: splat(&w, high(&w, p0)), low: splat(&w, p0), keys: roundKeys, last: raisedLast)
            let line = w.address(p.bits, .i8, w.mul(index, tileKeys / 8))
            w.loop(from: 0, to: p.count, by: 4 * Self.span) { w, column in
                let states = (0..<(Self.span / Self.lanes)).map { half in
                    lastRound(&w, state, at: w.add(w.lshr(column, 2), half * Self.lanes))
                }
                func write(_ w: inout FunctionWriter, _ pair: Int) {
                    let words = states.map { lastWords(&w, $0, state, pair: pair) }
                    for index in 0..<2 {
                        let byte = w.add(w.lshr(column, 3), (2 * pair + index) * Self.span / 8)
                        writeBits(&w, words.map { $0[index] }, w.address(line, .i8, byte))
                    }
                }
                write(&w, 0)
                // Short rows end before the columns of the other two words.
                w.when(w.compare(.slt, w.add(column, 2 * Self.span), p.count)) { w in write(&w, 1) }
            }
        }
        return w.text(Self.name, p.arguments(seed: seed, stream: stream))
    }

    private struct RoundKey {
        let first: Vector<I64>
        let second: Vector<I64>
    }

    /// What the words of a row have in common.
    private struct RowState {
        let high: Vector<I64>
        let low: Vector<I64>
        let keys: [RoundKey]
        /// The last round's key, in the upper halves of lanes.
        let last: RoundKey
    }

    /// Which of some words are at least the threshold, one bit each.
    private func writeBits(_ w: inout FunctionWriter, _ words: [Vector<I64>], _ place: Pointer) {
        let threshold = UInt64(Philox.threshold(rate: rate)) << 32
        let kept = words.map { w.compare(.uge, $0, constant(threshold, like: $0)) }
        let both = w.shuffle(kept[0], kept[1], Array(0..<Self.span))
        let bits: I16 = w.bitcast(both, LLVMType(.i16))
        w.store(bits, place, align: 1)
    }

    /// What the last round multiplies, and what it mixes in.
    private struct LastRound {
        let c: [Vector<I64>]
    }

    /// The state of one vector of counters, in the lower halves of lanes, before the last round: rounds 3 to 6.
    private func lastRound(_ w: inout FunctionWriter, _ row: RowState, at index: I64) -> LastRound {
        let terms = Term.allCases.map { term in
            v.load(&w, I64.self, termAddress(&w, Rows.parameters.terms, term, index))
        }
        let second = w.xor(row.high, terms[Term.secondC2.rawValue])
        let p1 = multiply(&w, second, factors.1)
        var c = [
            w.xor(high(&w, p1), terms[Term.thirdC0.rawValue]), p1,
            w.xor(row.low, terms[Term.thirdC2.rawValue]), terms[Term.thirdC3.rawValue],
        ]
        for round in 3..<(Philox.rounds - 1) {
            let p0 = multiply(&w, c[0], factors.0)
            let p1 = multiply(&w, c[2], factors.1)
            c = [
                mixed(&w, high(&w, p1), c[1], row.keys[round].first), p1,
                mixed(&w, high(&w, p0), c[3], row.keys[round].second), p0,
            ]
        }
        return LastRound(c: c)
    }

    /// The generator's words 0 and 1, or 2 and 3, in the upper halves of lanes: the last round.
    private func lastWords(
        _ w: inout FunctionWriter, _ state: LastRound, _ row: RowState, pair: Int
    ) -> [Vector<I64>] {
        let (factor, key) = pair == 0 ? (factors.1, row.last.first) : (factors.0, row.last.second)
        let product = multiply(&w, state.c[2 - 2 * pair], factor)
        let other = raised(&w, state.c[1 + 2 * pair])
        return [mixed(&w, product, other, key), raised(&w, product)]
    }

    private func mixed(
        _ w: inout FunctionWriter, _ product: Vector<I64>, _ other: Vector<I64>, _ key: Vector<I64>
    ) -> Vector<I64> {
        w.xor(w.xor(product, other), key)
    }

    /// The lanes of the tile's vector at `row` and `column` that are kept.
    func mask(_ w: inout FunctionWriter, bits: Pointer, row: I64, column: I64) -> Mask {
        let lanes = tileLanes
        guard let word = ScalarType(rawValue: "i\(lanes)") else {
            preconditionFailure("no integer has \(lanes) bits")
        }
        let line = w.address(bits, .i8, w.mul(row, tileKeys / 8))
        let place = w.address(line, .i8, w.lshr(column, 3))
        let mask: AnyVector = w.load(LLVMType(word), place, align: 1)
        return w.bitcast(mask, LLVMType(.i1, lanes: lanes))
    }
}
