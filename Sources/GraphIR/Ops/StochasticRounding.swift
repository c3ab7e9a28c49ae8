// stochastic_round   f32 to bf16, up or down with the probability that makes the mean exact; operands (x, rng) with
//                    rng = i64[2] holding (seed, step)
//
// An average that moves by less than half of a bf16's last place would stand still when rounded to nearest. Here 16 random
// bits are added below what is kept of x, and the rest is cut off. They are a function of (seed, step, stream, element):
// for row r and column c = 128 a + 64 h + 16 b + d (h below 2, b below 4, d below 16) the low (h = 0) or high half of
// word b of `dropout`'s generator with the counter (16 a + d, r, stream, low 32 bits of step). So one call serves eight
// vectors of a row. Values of one shape may share a stream, and with it the bits. Infinity stays, NaN becomes quiet.

extension Op {
    /// Rounding to bf16 whose error is zero on average.
    public struct StochasticRound: Hashable, Sendable {
        /// What tells this place of the graph from others; values of one shape that share it are rounded by the same bits.
        public let stream: Int
    }

    /// Rounding of f32 to bf16, up or down with the probability that makes the mean exact.
    public static func stochasticRound(stream: Int) -> Op {
        .stochasticRound(StochasticRound(stream: stream))
    }
}

extension Op.StochasticRound: OpFamily {
    private static let row = Spelling("stochastic_round", .int("stream")) { .stochasticRound(stream: $0) }

    static let spellings: [any OpSpelling] = [row]

    var text: OpText { Self.row(stream) }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        try expect(operands, 2...2)
        guard stream >= 0 else { throw .type("stream \(stream) must be at least 0") }
        let x = operands[0]
        guard x.element == .f32, x.rank >= 1, operands[1] == TensorType(.i64, [2]) else {
            throw .type("needs an f32 tensor and rng i64[2], got \(operands[0]) and \(operands[1])")
        }
        return [TensorType(.bf16, x.shape)]
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] { throw noGradient() }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        // The random bits count rows and columns of its own.
        Iteration(.map, over: results, columnAxis: results[0].rank - 1)
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: true, folding: .never, isElementWise: true, byAddress: 1..<2,
            lowPrecision: 0..<0, integers: [], work: .elements(30), word: "round", dropoutStream: stream)
    }
}
