import GraphIR

extension VectorWriter {
    /// Dropout's keep mask for the elements at `row` (i64) and columns `columns` (i32 vector): the same bits as
    /// `Philox.keeps`. Seed, step and stream are read in the entry block.
    func keepMask(
        _ w: inout FunctionWriter, rng: Int, rate: Double, stream: Int, row: String, columns: String
    ) -> String {
        let words = philox(&w, rng: rng, stream: stream, row: row, columns: columns)
        return keeps(&w, selectWord(&w, words, columns), rate: rate)
    }

    /// Whether dropout keeps the element with a random word.
    func keeps(_ w: inout FunctionWriter, _ word: String, rate: Double) -> String {
        let threshold = Int(Int32(bitPattern: Philox.threshold(rate: rate)))
        return w.value("icmp uge \(name(.i32)) \(word), \(bits(threshold))")
    }

    /// The four words of each column's counter.
    func philox(
        _ w: inout FunctionWriter, rng: Int, stream: Int, row: String, columns: String
    ) -> [String] {
        let pointer = w.buffer(rng)
        let seed = w.entryValue("load i64, ptr \(pointer), align 8")
        let stepPointer = w.entryValue("getelementptr i64, ptr \(pointer), i64 1")
        let step = w.entryValue("load i64, ptr \(stepPointer), align 8")
        let stream32 = w.entryValue("load i32, ptr \(w.buffer(stream)), align 8")
        let step32 = w.entryValue("trunc i64 \(step) to i32")
        let high = w.entryValue("lshr i64 \(seed), 32")
        var key = [w.entryValue("trunc i64 \(seed) to i32"), w.entryValue("trunc i64 \(high) to i32")]
        let weyl = [Philox.weyl.0, Philox.weyl.1].map { Int32(bitPattern: $0) }
        let row32 = w.value("trunc i64 \(row) to i32")
        // Columns 64 a + 16 b + d have the counter 16 a + d and word b.
        let span = integer(&w, "and", integer(&w, "lshr", columns, bits(2)), bits(-Philox.span))
        let place = integer(&w, "or", span, integer(&w, "and", columns, bits(Philox.span - 1)))
        var c = [place, splat(&w, row32, "i32"), splat(&w, stream32, "i32"), splat(&w, step32, "i32")]
        for round in 0..<Philox.rounds {
            if round > 0 { key = zip(key, weyl).map { w.entryValue("add i32 \($0), \($1)") } }
            let (high0, low0) = wideMultiply(&w, c[0], Philox.multipliers.0)
            let (high1, low1) = wideMultiply(&w, c[2], Philox.multipliers.1)
            let k = key.map { splat(&w, $0, "i32") }
            let first = integer(&w, "xor", integer(&w, "xor", high1, c[1]), k[0])
            let third = integer(&w, "xor", integer(&w, "xor", high0, c[3]), k[1])
            c = [first, low1, third, low0]
        }
        return c
    }

    /// The word of each column.
    private func selectWord(_ w: inout FunctionWriter, _ words: [String], _ columns: String) -> String {
        func bit(_ mask: Int) -> String {
            w.value("icmp ne \(name(.i32)) \(integer(&w, "and", columns, bits(mask))), \(bits(0))")
        }
        let (odd, upper) = (bit(Philox.span), bit(2 * Philox.span))
        func pick(_ condition: String, _ a: String, _ b: String) -> String {
            select(&w, condition, .i32, a, b)
        }
        return pick(upper, pick(odd, words[3], words[2]), pick(odd, words[1], words[0]))
    }

    /// High and low halves of the 64-bit products with a constant: even and odd lanes are multiplied on their own,
    /// as the machine's instruction takes the low half of each 64-bit lane.
    private func wideMultiply(_ w: inout FunctionWriter, _ x: String, _ factor: UInt32) -> (
        high: String, low: String
    ) {
        let narrow = name(.i32)
        let pairs = VectorWriter(lanes: lanes / 2)
        let wide = pairs.name(.i64)
        let both = w.value("bitcast \(narrow) \(x) to \(wide)")
        let even = w.value("and \(wide) \(both), \(pairs.constant(0xFFFF_FFFF, .i64))")
        let odd = w.value("lshr \(wide) \(both), \(pairs.constant(32, .i64))")
        let products = [even, odd].map { half -> String in
            let product = w.value("mul \(wide) \(half), \(pairs.constant(Double(factor), .i64))")
            return w.value("bitcast \(wide) \(product) to \(narrow)")
        }
        // Every other i32 of both products, interleaved again.
        func interleave(from first: Int) -> String {
            let order = (0..<lanes).map { "i32 \($0 / 2 * 2 + first + ($0 % 2) * lanes)" }.joined(
                separator: ", ")
            return w.value(
                "shufflevector \(narrow) \(products[0]), \(narrow) \(products[1]), <\(lanes) x i32> <\(order)>"
            )
        }
        return (interleave(from: 1), interleave(from: 0))
    }
}
