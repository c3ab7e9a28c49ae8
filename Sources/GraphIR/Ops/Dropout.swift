// dropout   y = keep ? x / (1 - rate) : 0, operands (x, rng) with rng = i64[2] holding (seed, step)
//
// `keep` is a pure function of (seed, step, stream, element), so the backward pass applies the same op to the
// gradient and no mask is stored. The generator is Philox-4x32 with 7 rounds (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", SC'11): the element at row r (all leading axes flattened) and column c = 64 a + 16 b + d
// (last axis; b below 4, d below 16) uses word b of
//     philox(counter: (16 a + d, r, stream, low 32 bits of step), key: (low and high 32 bits of seed))
// and is kept when that word is at least `rate * 2^32`, rounded. So one call serves four vectors of a row.

extension Op {
    func dropoutTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard case .dropout(let rate, let stream) = self else { preconditionFailure("not dropout") }
        try expect(operands, 2...2)
        guard (0..<1).contains(rate), stream >= 0 else { throw .type("rate \(rate) must be in [0, 1)") }
        guard operands[0].element.isFloat, operands[0].rank >= 1, operands[1] == TensorType(.i64, [2]) else {
            throw .type("needs a float tensor and rng i64[2], got \(operands[0]) and \(operands[1])")
        }
        return [operands[0]]
    }

    /// The stream from which the op draws its mask, if it draws one.
    var dropoutStream: Int? {
        switch self {
        case .dropout(_, let stream): stream
        case .flashAttention(let attention), .flashAttentionGradient(let attention):
            attention.rate > 0 ? attention.stream : nil
        default: nil
        }
    }

    func dropoutVJP(_ rule: VJP) -> [Tensor?] {
        [rule.builder.apply(self, [rule.cotangent, rule.operands[1]]), nil]
    }
}

/// Philox-4x32 as dropout uses it; the interpreter calls it, and kernels compute the same bits.
public enum Philox {
    public static let rounds = 7
    public static let multipliers: (UInt32, UInt32) = (0xD251_1F53, 0xCD9E_8D57)
    /// Neighbouring columns that use the same word, of neighbouring counters.
    public static let span = 16
    public static let weyl: (UInt32, UInt32) = (0x9E37_79B9, 0xBB67_AE85)

    /// Four random words for a 128-bit counter and a 64-bit key.
    public static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
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
    public static func threshold(rate: Double) -> UInt32 {
        UInt32(min((rate * 4_294_967_296).rounded(), 4_294_967_295))
    }

    /// Whether dropout keeps the element at `row`, `column`.
    public static func keeps(row: Int, column: Int, stream: Int, seed: Int, step: Int, rate: Double) -> Bool {
        let place = column / (4 * span) * span + column % span
        let counter = SIMD4(
            UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: row),
            UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: step))
        let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        return words(counter: counter, key: key)[column / span % 4] >= threshold(rate: rate)
    }
}
