/// Philox-4x32 as dropout uses it; the interpreter calls it, and kernels compute the same bits.
package enum Philox {
    package static let rounds = 7
    package static let multipliers: (UInt32, UInt32) = (0xD251_1F53, 0xCD9E_8D57)
    /// Neighbouring columns that use the same word, of neighbouring counters.
    package static let span = 16
    package static let weyl: (UInt32, UInt32) = (0x9E37_79B9, 0xBB67_AE85)

    /// Four random words for a 128-bit counter and a 64-bit key.
    package static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (c, k) = (counter, key)
        for round in 0..<rounds {
            if round > 0 { k = k &+ SIMD2(weyl.0, weyl.1) }
            let (high0, low0) = multipliers.0.multipliedFullWidth(by: c[0])
            let (high1, low1) = multipliers.1.multipliedFullWidth(by: c[2])
            c = SIMD4(high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0)
        }
        return c
    }

    /// Words below this are dropped.
    package static func threshold(rate: Double) -> UInt32 {
        UInt32(min((rate * 4_294_967_296).rounded(), 4_294_967_295))
    }

    /// Whether dropout keeps the element at `row`, `column`.
    package static func keeps(row: Int, column: Int, stream: Int, seed: Int, step: Int, rate: Double) -> Bool
    {
        word(row: row, column: column, stream: stream, seed: seed, step: step) >= threshold(rate: rate)
    }

    /// The random word of the element at `row`, `column`.
    package static func word(row: Int, column: Int, stream: Int, seed: Int, step: Int) -> UInt32 {
        word(4, row: row, column: column, stream: stream, seed: seed, step: step)
    }

    /// The 16 random bits of the element at `row`, `column` with which it is rounded.
    package static func roundingBits(row: Int, column: Int, stream: Int, seed: Int, step: Int) -> UInt32 {
        let word = word(8, row: row, column: column, stream: stream, seed: seed, step: step)
        return column / (4 * span) % 2 == 0 ? word & 0xFFFF : word >> 16
    }

    /// The word of a column where one call serves so many times `span` columns.
    private static func word(
        _ spans: Int, row: Int, column: Int, stream: Int, seed: Int, step: Int
    ) -> UInt32 {
        let place = column / (spans * span) * span + column % span
        let counter = SIMD4(
            UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: row),
            UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: step))
        let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        return words(counter: counter, key: key)[column / span % 4]
    }

    /// bf16 of `x`, rounded up where 16 random bits say so: `stochastic_round`.
    package static func rounded(_ x: Float, bits: UInt32) -> Float {
        let own = x.bitPattern
        if x.isNaN { return Float(bitPattern: (own | 0x40_0000) & 0xFFFF_0000) }
        return Float(bitPattern: (own + bits) & 0xFFFF_0000)
    }
}
