// dropout   y = keep ? x / (1 - rate) : 0, operands (x, rng) with rng = i64[2] holding (seed, step)
//
// `keep` is a pure function of (seed, step, stream, element), so the backward pass applies the same op to the
// gradient and no mask is stored. The generator is Philox-4x32 with 7 rounds (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", SC'11): the element at row r (all leading axes flattened) and column c = 64 a + 16 b + d
// (last axis; b below 4, d below 16) uses word b of
//     philox(counter: (16 a + d, r, stream, low 32 bits of step), key: (low and high 32 bits of seed))
// and is kept when that word is at least `rate * 2^32`, rounded. So one call serves four vectors of a row.

extension Op {
    /// Inverted dropout.
    public struct Dropout: Hashable, Sendable {
        /// Share of the elements that are taken out, in [0, 1).
        public let rate: Double
        /// What tells this place of the model from others.
        public let stream: Int
    }

    /// Inverted dropout; `GraphBuilder.dropout` gives each its own stream.
    public static func dropout(rate: Double, stream: Int) -> Op {
        .dropout(Dropout(rate: rate, stream: stream))
    }
}

extension Op.Dropout: OpFamily {
    private static let row = Spelling("dropout", .float("rate"), .int("stream")) {
        .dropout(rate: $0, stream: $1)
    }

    static let spellings: [any OpSpelling] = [row]

    var text: OpText { Self.row(rate, stream) }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        try expect(operands, 2...2)
        guard (0..<1).contains(rate), stream >= 0 else { throw .type("rate \(rate) must be in [0, 1)") }
        guard operands[0].element.isFloat, operands[0].rank >= 1, operands[1] == TensorType(.i64, [2]) else {
            throw .type("needs a float tensor and rng i64[2], got \(operands[0]) and \(operands[1])")
        }
        return [operands[0]]
    }

    func gradients(_ rule: VJP) -> [Tensor?] {
        [rule.builder.apply(.dropout(self), [rule.cotangent, rule.operands[1]]), nil]
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        // The mask counts rows and columns of its own.
        Iteration(.map, over: results, columnAxis: results[0].rank - 1)
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: true, folding: .small, isElementWise: false, byAddress: 1..<2,
            lowPrecision: 0..<0, integers: [], work: .elements(50), word: nil, dropoutStream: stream)
    }
}
