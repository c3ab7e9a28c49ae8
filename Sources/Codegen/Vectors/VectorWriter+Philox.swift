import GraphIR

/// Where random words come from: the buffers of the generator's key and of the stream's number.
struct RandomSource: Hashable {
    let rng: Int
    let stream: Int
    /// Vectors of `Philox.span` neighbours that one call serves: 4 with a word for each element, or 8 with 16 bits.
    let vectors: Int
}

extension VectorWriter {
    /// The random words of the elements at `row` and `columns`: the same bits as `Philox.word`. Seed, step and stream are
    /// read in the entry block.
    func randomWord(
        _ w: inout FunctionWriter, _ source: RandomSource, row: I64, columns: Vector<I32>
    ) -> Vector<I32> {
        let words = philox(&w, source, row: row, columns: columns)
        return selectWord(&w, words, columns)
    }

    /// Whether dropout keeps the element with a random word.
    func keeps(_ w: inout FunctionWriter, _ word: Vector<I32>, rate: Double) -> Mask {
        let threshold = Int(Int32(bitPattern: Philox.threshold(rate: rate)))
        return w.compare(.uge, word, bits(threshold))
    }

    /// One half of random words.
    func roundingBits(_ w: inout FunctionWriter, _ word: Vector<I32>, half: Int) -> Vector<I32> {
        half == 0 ? w.and(word, bits(0xFFFF)) : w.lshr(word, bits(16))
    }

    /// The half of each column's word: the same bits as `Philox.roundingBits`.
    func roundingBits(
        _ w: inout FunctionWriter, _ word: Vector<I32>, columns: Vector<I32>
    ) -> Vector<I32> {
        let isUpper = w.compare(.ne, w.and(columns, bits(4 * Philox.span)), bits(0))
        return w.select(
            isUpper, roundingBits(&w, word, half: 1), roundingBits(&w, word, half: 0))
    }

    /// `x` rounded to what bf16 holds by 16 random bits: the same bits as `Philox.rounded`. NaN stays as it is until it is
    /// stored.
    func stochasticRound(
        _ w: inout FunctionWriter, _ x: Vector<F32>, _ random: Vector<I32>
    ) -> Vector<F32> {
        let cut = w.and(w.add(w.bits(of: x), random), bits(-65536))
        return w.select(w.compare(.uno, x, x), x, w.float(of: cut))
    }

    /// The four words of each column's counter.
    func philox(
        _ w: inout FunctionWriter, _ source: RandomSource, row: I64, columns: Vector<I32>
    ) -> [Vector<I32>] {
        let pointer = w.buffer(source.rng)
        let seed = w.once { w in w.load(I64.self, pointer) }
        let step = w.once { w in w.load(I64.self, w.address(pointer, .i64, 1)) }
        let streamPointer = w.buffer(source.stream)
        let stream32 = w.once { w in w.load(I32.self, streamPointer, align: 8) }
        let step32 = w.once { w in w.convert(.trunc, step, to: I32.self) }
        let high = w.once { w in w.lshr(seed, 32) }
        var key = [seed, high].map { half in w.once { w in w.convert(.trunc, half, to: I32.self) } }
        let weyl = [Philox.weyl.0, Philox.weyl.1].map { I32(Int(Int32(bitPattern: $0))) }
        let row32 = w.convert(.trunc, row, to: I32.self)
        // Columns 64 a + 16 b + d, or 128 a + 64 h + 16 b + d, have the counter 16 a + d and word b.
        let shift = source.vectors.trailingZeroBitCount
        let span = w.and(w.lshr(columns, bits(shift)), bits(-Philox.span))
        let place = w.or(span, w.and(columns, bits(Philox.span - 1)))
        var c = [place, splat(&w, row32), splat(&w, stream32), splat(&w, step32)]
        for round in 0..<Philox.rounds {
            if round > 0 { key = zip(key, weyl).map { key, weyl in w.once { w in w.add(key, weyl) } } }
            let (high0, low0) = wideMultiply(&w, c[0], Philox.multipliers.0)
            let (high1, low1) = wideMultiply(&w, c[2], Philox.multipliers.1)
            let k = key.map { splat(&w, $0) }
            let first = w.xor(w.xor(high1, c[1]), k[0])
            let third = w.xor(w.xor(high0, c[3]), k[1])
            c = [first, low1, third, low0]
        }
        return c
    }

    /// The word of each column.
    private func selectWord(
        _ w: inout FunctionWriter, _ words: [Vector<I32>], _ columns: Vector<I32>
    ) -> Vector<I32> {
        let odd = w.compare(.ne, w.and(columns, bits(Philox.span)), bits(0))
        let upper = w.compare(.ne, w.and(columns, bits(2 * Philox.span)), bits(0))
        let upperWord = w.select(odd, words[3], words[2])
        return w.select(upper, upperWord, w.select(odd, words[1], words[0]))
    }

    /// High and low halves of the 64-bit products with a constant: even and odd lanes are multiplied on their own,
    /// as the machine's instruction takes the low half of each 64-bit lane.
    private func wideMultiply(
        _ w: inout FunctionWriter, _ x: Vector<I32>, _ factor: UInt32
    ) -> (high: Vector<I32>, low: Vector<I32>) {
        guard lanes > 1 else {
            let product = w.mul(w.convert(.zext, x, to: I64.self), splat(&w, I64(Int(factor))))
            return (
                w.convert(.trunc, w.lshr(product, splat(&w, I64(32))), to: I32.self),
                w.convert(.trunc, product, to: I32.self)
            )
        }
        let wide = LLVMType(.i64, lanes: lanes / 2)
        func constant(_ value: Int) -> Vector<I64> { Vector(repeating: I64(value), lanes: wide.lanes) }
        let both: Vector<I64> = w.bitcast(x, wide)
        let even = w.and(both, constant(0xFFFF_FFFF))
        let odd = w.lshr(both, constant(32))
        let products = [even, odd].map { half -> Vector<I32> in
            w.bitcast(w.mul(half, constant(Int(factor))), x.type)
        }
        // Every other i32 of both products, interleaved again.
        func interleave(from first: Int) -> Vector<I32> {
            w.shuffle(products[0], products[1], (0..<lanes).map { $0 / 2 * 2 + first + ($0 % 2) * lanes })
        }
        return (interleave(from: 1), interleave(from: 0))
    }
}
