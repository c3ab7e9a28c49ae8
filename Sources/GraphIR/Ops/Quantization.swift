// quantize     (q, scale) of x [..., k]: q = i8, round(x / scale), ties to even, and scale f32 [...], one a row:
//              scale = max(m · (1/127), 2^-126) with m = max |x| of the row, and x / scale is x · (1 / scale); each of
//              these steps is rounded to f32. So |q| is at most 127, and a row of zeros has the scale 2^-126. A row with
//              an infinity or NaN has an infinite scale or NaN, and what is computed from it is NaN.
// dequantize   y = (a · row) · column, f32, operands (a, row, column): a is i8 or i32 [..., n] and first converted to f32,
//              row is f32 [...], column f32 [n]. For a = matmul(q, w) with w quantised row by row and transposed, row
//              being the scale of q and column that of w, y is the product of what was quantised, but for rounding.
//
// Each step rounds on its own (no fused multiply-add), so that every machine gives the same bits. Both are for inference and
// have no gradient.

extension Op {
    /// Numbers of 8 bits with a scale a row, and back.
    public enum Quantization: String, Hashable, Sendable, CaseIterable {
        /// Rows of f32 as i8 and a scale each.
        case quantize
        /// Sums of products of i8 as f32.
        case dequantize
    }

    /// Rows as i8, with a scale each; see `Tensor.quantized`.
    public static var quantize: Op { .quantization(.quantize) }
    /// Sums of products of i8 as f32; see `Tensor.dequantized`.
    public static var dequantize: Op { .quantization(.dequantize) }
}

extension Op.Quantization: OpFamily {
    private enum Row {
        static let quantize = Spelling("quantize") { Op.quantize }
        static let dequantize = Spelling("dequantize") { Op.dequantize }
    }

    static let spellings: [any OpSpelling] = [Row.quantize, Row.dequantize]

    var text: OpText {
        switch self {
        case .quantize: Row.quantize()
        case .dequantize: Row.dequantize()
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .quantize:
            try expect(operands, 1...1)
            let x = operands[0]
            guard x.element == .f32, x.rank >= 1 else {
                throw .type("needs f32 with at least one axis, got \(x)")
            }
            return [TensorType(.i8, x.shape), TensorType(.f32, x.shape.dropLast())]
        case .dequantize:
            try expect(operands, 3...3)
            let a = operands[0]
            guard a.element == .i32 || a.element == .i8, a.rank >= 1,
                operands[1] == TensorType(.f32, a.shape.dropLast()),
                operands[2] == TensorType(.f32, [a.shape[a.rank - 1]])
            else {
                throw .type(
                    "needs i8 or i32 [..., n], f32 [...] and f32 [n], got "
                        + operands.map(\.description).joined(separator: ", "))
            }
            return [TensorType(.f32, a.shape)]
        }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] { throw noGradient() }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        let last = operands[0].rank - 1
        return switch self {
        case .quantize: Iteration(.row(columns: last), over: operands)
        case .dequantize: Iteration(.map, over: results, columnAxis: last)
        }
    }

    var traits: OpTraits {
        OpTraits(
            results: self == .quantize ? 2 : 1, merges: true, folding: .small, isElementWise: false,
            byAddress: 0..<0, lowPrecision: 0..<0, integers: [], work: .elements(self == .quantize ? 6 : 3),
            word: nil, dropoutStream: nil)
    }
}
