import GraphIR
import Testing

/// Operand types that an op can't take, and a part of what it says about them.
struct Misfit: CustomTestStringConvertible, Sendable {
    let op: Op
    let operands: [TensorType]
    let message: String

    init(_ op: Op, _ operands: [TensorType], _ message: String) {
        self.op = op
        self.operands = operands
        self.message = message
    }

    var testDescription: String { "\(op.mnemonic) \(operands)" }
}

private func f32(_ shape: Dimension...) -> TensorType { TensorType(.f32, shape) }
private func i32(_ shape: Dimension...) -> TensorType { TensorType(.i32, shape) }
private func bool(_ shape: Dimension...) -> TensorType { TensorType(.bool, shape) }
private let segments = [TensorType(.i32, [.symbol("s", offset: 1)]), TensorType(.i32, ["s"])]

@Suite("Shape rules")
struct ShapeRuleTests {
    static let misfits: [Misfit] = [
        // Sources
        Misfit(.input(name: "x", type: f32(2)), [f32()], "takes 0 operands, got 1"),
        Misfit(.input(name: "x", type: f32(-2)), [], "negative"),
        Misfit(.input(name: "x", type: f32("a b")), [], "can't name a symbol"),
        Misfit(.input(name: "x", type: f32("true")), [], "can't name a symbol"),
        Misfit(.input(name: "x", type: f32(.symbol("n", scale: 0))), [], "can't be an extent"),
        Misfit(.constant(.dense([1, 2]), type: f32(3)), [], "2 values given for f32[3]"),
        Misfit(.constant(.dense([1]), type: f32("n")), [], "1 values given"),
        Misfit(.constant(.splat(1), type: f32(.fixed(.max), .fixed(.max))), [], "too large"),
        Misfit(.iota(type: i32(3), axis: 1), [], "axis 1 is not an axis"),
        Misfit(.dimensionSize(.fixed(.min)), [], "can't be an extent"),
        // Element-wise
        Misfit(.unary(.exp), [i32(2)], "needs a float"),
        Misfit(.unary(.not), [f32(2)], "can't take f32[2]"),
        Misfit(.unary(.neg), [bool(2)], "can't take bool[2]"),
        Misfit(.unaryGradient(.gelu), [f32(2), f32(3)], "of one float type"),
        Misfit(.unaryGradient(.not), [f32(2), f32(2)], "of one float type"),
        Misfit(.binary(.add), [f32(2), i32(2)], "can't take"),
        Misfit(.binary(.and), [f32(2), f32(2)], "can't take"),
        Misfit(.binary(.add), [f32(2, 3), f32(2)], "[2, 3] and [2] do not broadcast"),
        Misfit(.binary(.add), [f32("n"), f32("m")], "do not broadcast"),
        Misfit(.compare(.lt), [f32(2), i32(2)], "one element type"),
        Misfit(.select, [f32(2), f32(2), f32(2)], "needs bool"),
        Misfit(.cast(.i32), [], "takes 1 operands"),
        // Dropout
        Misfit(.dropout(rate: 1, stream: 0), [f32(2), TensorType(.i64, [2])], "rate 1.0 must be in [0, 1)"),
        Misfit(.dropout(rate: .nan, stream: 0), [f32(2), TensorType(.i64, [2])], "must be in [0, 1)"),
        Misfit(.dropout(rate: 0.1, stream: 0), [f32(2), i32(2)], "rng i64[2]"),
        Misfit(
            .stochasticRound(stream: -1), [f32(2), TensorType(.i64, [2])], "stream -1 must be at least 0"),
        Misfit(.stochasticRound(stream: 0), [f32(), TensorType(.i64, [2])], "needs an f32 tensor"),
        // i8
        Misfit(.quantize, [TensorType(.bf16, [2, 4])], "needs f32"),
        Misfit(.quantize, [f32()], "at least one axis"),
        Misfit(.dequantize, [i32("n", 4), f32("m"), f32(4)], "f32[m]"),
        Misfit(.dequantize, [f32("n", 4), f32("n"), f32(4)], "needs i8 or i32"),
        Misfit(.cast(.i8), [f32(2)], "would lose its scale"),
        Misfit(.binary(.add), [TensorType(.i8, [2]), TensorType(.i8, [2])], "can't be computed with"),
        Misfit(
            .matmul(transposeLeft: false, transposeRight: false),
            [TensorType(.i8, [2, 4]), TensorType(.i8, [4, 4])], "the right one transposed"),
        Misfit(
            .matmul(transposeLeft: false, transposeRight: true),
            [TensorType(.i8, [2, 6]), TensorType(.i8, [4, 6])], "a multiple of 4"),
        Misfit(
            .matmul(transposeLeft: false, transposeRight: true),
            [TensorType(.i8, [2, 131_072]), TensorType(.i8, [4, 131_072])], "at most 131068"),
        // Attention
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1)), Array(repeating: f32("t", 2, 8), count: 3),
            "takes 5 operands, got 3"),
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1)),
            [f32("t", 2, 8), f32("t", 2, 8), f32("t", 2, 4)] + segments,
            "needs 3 times one float[tokens, heads, _]"
        ),
        Misfit(
            .flashAttention(AttentionAttributes(scale: .infinity)),
            Array(repeating: f32("t", 2, 8), count: 3) + segments, "scale inf must be finite"),
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1, rate: 1)),
            Array(repeating: f32("t", 2, 8), count: 3) + segments, "rate 1.0 must be in [0, 1)"),
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1, rate: 0.1)),
            Array(repeating: f32("t", 2, 8), count: 3) + segments + [i32(2)], "needs rng i64[2]"),
        Misfit(
            .flashAttentionGradient(AttentionAttributes(scale: 1)),
            Array(repeating: f32("t", 2, 8), count: 5) + [f32("t")] + segments, "needs lse f32[t, 2]"),
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1, bias: .pairs)),
            Array(repeating: f32("t", 2, 8), count: 3) + segments + [f32(2, 7, 8)],
            "needs a bias f32[2, n, n], got f32[2, 7, 8]"),
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1, bias: .distances)),
            Array(repeating: f32("t", 2, 8), count: 3) + segments + [f32(2, 8)],
            "needs a bias f32[2, 2n - 1], got f32[2, 8]"),
        Misfit(
            .flashAttention(AttentionAttributes(scale: 1, bias: .pairs, hasBiasGradient: true)),
            Array(repeating: f32("t", 2, 8), count: 3) + segments + [f32(2, 8, 8)],
            "a bias gradient is of the gradient op"),
        Misfit(
            .flashAttentionGradient(AttentionAttributes(scale: 1, hasBiasGradient: true)),
            Array(repeating: f32("t", 2, 8), count: 5) + [f32("t", 2)] + segments,
            "a bias gradient needs a bias"),
        // Reductions
        Misfit(.reduce(.sum, axes: [1, 0], keepDimensions: false), [f32(2, 3)], "must be ascending axes"),
        Misfit(.reduce(.sum, axes: [2], keepDimensions: false), [f32(2, 3)], "must be ascending axes"),
        Misfit(.reduce(.max, axes: [0], keepDimensions: false), [bool(2)], "can't reduce bool"),
        // Shapes
        Misfit(.broadcast([3]), [f32(2)], "do not broadcast"),
        Misfit(.broadcast([1]), [f32(2)], "does not broadcast to [1]"),
        Misfit(.reshape([3, 2]), [f32(5)], "different element counts"),
        Misfit(.reshape([.symbol("n", scale: 2)]), [f32("n", 3)], "different element counts"),
        Misfit(.transpose([0, 0]), [f32(2, 3)], "not a permutation"),
        Misfit(.slice(axis: 2, start: 0, size: 1), [f32(2, 3)], "not an axis"),
        Misfit(.slice(axis: 1, start: 2, size: 2), [f32(2, 3)], "elements 2 to 4 are not within axis 1"),
        Misfit(.slice(axis: 1, start: .max, size: 1), [f32(2, 3)], "are not within"),
        Misfit(.slice(axis: 1, start: 0, size: -1), [f32(2, 3)], "negative"),
        Misfit(.slice(axis: 0, start: 0, size: "m"), [f32("n")], "are not within"),
        Misfit(.concatenate(axis: 0), [], "needs an operand"),
        Misfit(.concatenate(axis: 0), [f32(2, 3), f32(2, 4)], "can't put f32[2, 4] behind f32[2, 3]"),
        Misfit(.concatenate(axis: 0), [f32("n")], "has no fixed extent"),
        // Contractions
        Misfit(
            .matmul(transposeLeft: false, transposeRight: false), [f32(2, 3), f32(2, 3)],
            "inner extents 3 and 2"),
        Misfit(
            .matmul(transposeLeft: true, transposeRight: true), [f32(2, 3), f32(2, 3)],
            "inner extents 2 and 3"),
        Misfit(
            .matmul(transposeLeft: false, transposeRight: false), [f32(5, 2, 3), f32(4, 3, 2)],
            "can't multiply"),
        Misfit(
            .matmul(transposeLeft: false, transposeRight: false), [i32(2, 3), i32(3, 2)], "can't multiply"),
        Misfit(
            .raggedMatmul(.scores, length: 9), [f32("t", 2, 4), f32("t", 2, 3)] + segments,
            "head sizes differ"),
        Misfit(
            .raggedMatmul(.context, length: 9), [f32("t", 2, 8), f32("t", 2, 4)] + segments,
            "does not end in 9"),
        Misfit(
            .raggedMatmul(.scores, length: 9), [f32("t", 2, 4), f32("t", 2, 4), i32("s"), i32("s")],
            "needs offsets i32[sequences+1]"),
        Misfit(
            .raggedMatmul(.scores, length: 9), [f32("t", 4), f32("t", 4)] + segments,
            "needs [tokens, heads, _]"),
        // Normalisation
        Misfit(.softmax, [f32()], "at least one axis"),
        Misfit(.softmax, [f32("t", 2, 3), i32(2)], "limits must be i32 over leading axes"),
        Misfit(.softmaxGradient, [f32(2), f32(3)], "differ"),
        Misfit(.layerNorm(epsilon: 1e-5), [f32(2, 3), f32(2), f32(2)], "gamma and beta must be [3]"),
        Misfit(.rmsNorm(epsilon: 1e-5), [f32(2, 3), f32(2)], "gamma must be [3]"),
        Misfit(.normGradient(.rms), [f32(2, 3), f32(2, 3), f32(3), f32(3)], "needs (dy, x, gamma, rstd)"),
        Misfit(.normalize(.rms), [f32(2, 3), f32(3), f32(3)], "needs (x, rstd, gamma)"),
        Misfit(.normGradient(.layer), [f32(2, 3), f32(2, 3), f32(3), f32(3), f32(3)], "needs (dy, x, gamma"),
        // Cross-entropy
        Misfit(.crossEntropy(ignoreIndex: -100), [f32("n", 2), i32("m")], "labels i32[n]"),
        Misfit(
            .crossEntropyGradient(ignoreIndex: -100), [f32(2), f32("n", 2), i32("n"), f32("n")],
            "dloss and lse"),
        // Indexing
        Misfit(.gather, [f32(5, 2), f32("n")], "ids must be i32"),
        Misfit(.scatterAdd(rows: 5), [f32("n", 2), i32("m")], "needs float updates"),
        Misfit(.coalesce(rows: 5), [f32("n")], "needs ids i32[n]"),
        Misfit(.segmentSum, [f32("t"), i32("s"), i32("s")], "needs offsets"),
        Misfit(.segmentBroadcast(tokens: "t"), [f32("t")] + segments, "must have one row per sequence"),
        // Optimiser
        Misfit(
            .adamW(AdamWAttributes()), [f32(2), f32(3), f32(2), f32(2), f32(), f32(), f32(), f32()], "differ"),
        Misfit(
            .adamW(AdamWAttributes()), [f32(2), f32(2), f32(2), f32(2), f32(1), f32(), f32(), f32()],
            "must be f32[]"),
    ]

    @Test("operands that do not fit are refused with the reason", arguments: misfits)
    func refuses(misfit: Misfit) {
        let error = #expect(throws: IRError.self) { try misfit.op.resultTypes(misfit.operands) }
        #expect(error?.rule == "type")
        #expect(error?.message.contains(misfit.message) == true, "\(error?.message ?? "")")
    }

    @Test(
        "results of operands that fit",
        arguments: [
            (.binary(.add), [f32("n", 1, 3), f32(4, 1)], "f32[n, 4, 3]"),
            (.compare(.eq), [i32("n"), i32()], "bool[n]"),
            (.select, [bool("n", 1), f32(3), f32()], "f32[n, 3]"),
            (.reduce(.sum, axes: [0, 2], keepDimensions: true), [f32("n", 2, 3)], "f32[1, 2, 1]"),
            (.reduce(.sum, axes: [0, 2], keepDimensions: false), [f32("n", 2, 3)], "f32[2]"),
            (.reshape([.symbol("n", scale: 6)]), [f32("n", 2, 3)], "f32[6*n]"),
            (.transpose([2, 0, 1]), [f32("n", 2, 3)], "f32[3, n, 2]"),
            (.slice(axis: 0, start: 1, size: "s"), [i32(.symbol("s", offset: 1))], "i32[s]"),
            (.concatenate(axis: 1), [f32("n", 2), f32("n", 3)], "f32[n, 5]"),
            (
                .matmul(transposeLeft: true, transposeRight: true), [f32(7, "n", 2), f32(7, 3, "n")],
                "f32[7, 2, 3]"
            ),
            (
                .raggedMatmul(.scores, length: "l"), [f32("t", 2, 4), f32("t", 2, 4)] + segments,
                "f32[t, 2, l]"
            ),
            (.gather, [f32(5, 2), i32("n", 3)], "f32[n, 3, 2]"),
            (.segmentSum, [f32("t", 2)] + segments, "f32[s, 2]"),
            (.segmentBroadcast(tokens: "t"), [f32("s", 2)] + segments, "f32[t, 2]"),
        ] as [(Op, [TensorType], String)])
    func accepts(op: Op, operands: [TensorType], result: String) throws {
        #expect(try op.resultTypes(operands)[0].description == result)
    }
}
