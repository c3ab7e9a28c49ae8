// matmul          C[b…, m, n] = Σ_k A[b…, m, k] B[b…, k, n]; a transposed operand has its last two axes swapped;
//                 leading axes are equal. Operands of bf16 or f16 give an f32 result: it is added up in f32 or wider.
//                 Operands of i8 are matrices, the right one transposed, and give the exact sum, i32; their depth is a
//                 multiple of 4 and at most 131,068, which can't overflow.
// ragged_matmul   the three products of attention over packed sequences, operands (a, b, offsets, lengths).
//                 Sequence s owns rows offsets[s] ..< offsets[s+1], of which the first lengths[s] are real; the
//                 rest is padding. Query row t = offsets[s] + i, key row offsets[s] + j, i and j < lengths[s]:
//   scores     S[t, h, j]  = Σ_d a[t, h, d] b[offsets[s]+j, h, d]         a, b: [tokens, heads, d]
//   context    O[t, h, d]  = Σ_j a[t, h, j] b[offsets[s]+j, h, d]         a: [tokens, heads, length]
//   transposed Y[offsets[s]+j, h, d] = Σ_i a[offsets[s]+i, h, j] b[offsets[s]+i, h, d]
//                 Everything outside the real rows and columns is zero. `length` is the extent of the key axis,
//                 at least the longest real sequence. The three forms are each other's gradients.

/// Which of the three products of attention a ragged product is.
public enum RaggedForm: String, Hashable, Sendable, CaseIterable {
    /// Queries by keys.
    case scores
    /// Probabilities by values.
    case context
    /// Probabilities, transposed, by queries or gradients.
    case transposed
}

extension Op {
    /// Products of matrices.
    public enum Contraction: Hashable, Sendable {
        /// C = A B over the last two axes, either operand transposed.
        case matmul(transposeLeft: Bool, transposeRight: Bool)
        /// One of attention's products over packed sequences; `length` is the extent of an attention row.
        case raggedMatmul(RaggedForm, length: Dimension)
    }

    /// The matrix product of two operands; see `Tensor.matmul`.
    public static func matmul(transposeLeft: Bool, transposeRight: Bool) -> Op {
        .contraction(.matmul(transposeLeft: transposeLeft, transposeRight: transposeRight))
    }

    package static func raggedMatmul(_ form: RaggedForm, length: Dimension) -> Op {
        .contraction(.raggedMatmul(form, length: length))
    }
}

extension Op.Contraction: OpFamily {
    private enum Row {
        static let matmul = Spelling("matmul", .bool("transpose_left"), .bool("transpose_right")) {
            .matmul(transposeLeft: $0, transposeRight: $1)
        }
        static let raggedMatmul = Spelling("ragged_matmul", .choice("form"), .dimension("length")) {
            .raggedMatmul($0, length: $1)
        }
    }

    static let spellings: [any OpSpelling] = [Row.matmul, Row.raggedMatmul]

    var text: OpText {
        switch self {
        case .matmul(let left, let right): Row.matmul(left, right)
        case .raggedMatmul(let form, let length): Row.raggedMatmul(form, length)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .matmul(let transposeLeft, let transposeRight):
            try expect(operands, 2...2)
            let (a, b) = (operands[0], operands[1])
            let isShared = b.rank == 2 && !transposeLeft
            guard a.rank >= 2, b.rank >= 2, a.element == b.element,
                a.element.isFloat || a.element == .i8,
                isShared || a.shape.dropLast(2) == b.shape.dropLast(2)
            else { throw .type("can't multiply \(a) and \(b)") }
            let (m, k) = matrix(a, transposeLeft)
            let (k2, n) = matrix(b, transposeRight)
            guard k == k2 else { throw .type("inner extents \(k) and \(k2) differ: \(a) and \(b)") }
            guard a.element == .i8 else { return [TensorType(.f32, a.shape.dropLast(2) + [m, n])] }
            guard a.rank == 2, !transposeLeft, transposeRight,
                k.fixedExtent.map({ $0 % 4 == 0 && $0 <= Self.greatestDepth }) ?? false
            else {
                throw .type(
                    "i8 needs matrices, the right one transposed, with a fixed inner extent that is a multiple of 4 "
                        + "and at most \(Self.greatestDepth), got \(a) and \(b)")
            }
            return [TensorType(.i32, [m, n])]
        case .raggedMatmul(let form, let length):
            try expect(operands, 4...4)
            let (a, b) = (operands[0], operands[1])
            guard a.rank == 3, b.rank == 3, a.element == b.element, a.element.isFloat,
                a.shape[0] == b.shape[0], a.shape[1] == b.shape[1]
            else { throw .type("needs [tokens, heads, _] twice, got \(a) and \(b)") }
            try checkSegments(operands[2], operands[3])
            switch form {
            case .scores:
                guard a.shape[2] == b.shape[2] else { throw .type("head sizes differ: \(a) and \(b)") }
                return [TensorType(a.element, [a.shape[0], a.shape[1], length])]
            case .context, .transposed:
                guard a.shape[2] == length else { throw .type("\(a) does not end in \(length)") }
                return [b]
            }
        }
    }

    /// Products of two i8 are at most 2^14, of which fewer than 2^17 surely fit into i32.
    package static let greatestDepth = (1 << 17) - 4

    private func matrix(_ type: TensorType, _ transposed: Bool) -> (Dimension, Dimension) {
        let (rows, columns) = (type.shape[type.rank - 2], type.shape[type.rank - 1])
        return transposed ? (columns, rows) : (rows, columns)
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        guard rule.operands[0].type.element.isFloat else { throw noGradient() }
        let (a, b, dy, g) = (rule.operands[0], rule.operands[1], rule.cotangent, rule.builder)
        switch self {
        case .matmul(let transposeLeft, let transposeRight):
            // The products of low-precision operands are low-precision products themselves.
            let element = a.type.element
            let dc = element == .f32 ? dy : dy.cast(element)
            func gradient(_ product: Tensor) -> Tensor { element == .f32 ? product : product.cast(element) }
            var (da, db): (Tensor?, Tensor?)
            if a.shape.count > b.shape.count {
                return sharedGradients(rule, dc, transposeRight: transposeRight).map { $0.map(gradient) }
            }
            if rule.needed[0] {
                // C = A B: dA = dC Bᵀ, or its transpose when A was given transposed.
                da = gradient(
                    transposeLeft
                        ? b.matmul(dc, transposeLeft: transposeRight, transposeRight: true)
                        : dc.matmul(b, transposeRight: !transposeRight))
            }
            if rule.needed[1] {
                db = gradient(
                    transposeRight
                        ? dc.matmul(a, transposeLeft: true, transposeRight: transposeLeft)
                        : a.matmul(dc, transposeLeft: !transposeLeft))
            }
            return [da, db]
        case .raggedMatmul(let form, let length):
            let segments = Array(rule.operands[2...])
            func ragged(_ form: RaggedForm, _ left: Tensor, _ right: Tensor) -> Tensor {
                g.apply(.raggedMatmul(form, length: length), [left, right] + segments)
            }
            switch form {
            case .scores: return [ragged(.context, dy, b), ragged(.transposed, dy, a), nil, nil]
            case .context: return [ragged(.scores, dy, b), ragged(.transposed, a, dy), nil, nil]
            case .transposed: return [ragged(.scores, b, dy), ragged(.context, a, dy), nil, nil]
            }
        }
    }

    /// Gradients of A's rows with one B: dA = dC Bᵀ, and dB = Aᵀ dC over all rows, which are flattened where their number can be
    /// written, and else added up over the leading axes.
    private func sharedGradients(_ rule: VJP, _ dc: Tensor, transposeRight: Bool) -> [Tensor?] {
        let (a, b) = (rule.operands[0], rule.operands[1])
        let da = rule.needed[0] ? dc.matmul(b, transposeRight: !transposeRight) : nil
        guard rule.needed[1] else { return [da, nil] }
        func product(_ a: Tensor, _ dc: Tensor) -> Tensor {
            transposeRight ? dc.matmul(a, transposeLeft: true) : a.matmul(dc, transposeLeft: true)
        }
        let count = TensorType(.f32, Array(a.shape.dropLast())).elementCount
        if count.symbols.count <= 1 {
            let rows = count.symbols.first.map { $0 * count.factor } ?? .fixed(count.factor)
            return [
                da, product(a.reshaped([rows] + a.shape.suffix(1)), dc.reshaped([rows] + dc.shape.suffix(1))),
            ]
        }
        return [da, product(a, dc).sum(axes: Array(0..<(a.shape.count - 2)))]
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        switch self {
        case .matmul:
            let isPlain = operands[1].rank == 2
            return Iteration(isPlain ? .contraction : .opaque, over: results)
        case .raggedMatmul:
            return Iteration(.opaque, over: results)
        }
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: true, folding: .small, isElementWise: false, byAddress: 0..<0,
            lowPrecision: lowPrecision, integers: integers, work: .products(depth: depth), word: nil,
            dropoutStream: nil)
    }

    private var lowPrecision: Range<Int> {
        switch self {
        case .matmul: 0..<2
        case .raggedMatmul: 0..<0
        }
    }

    private var integers: [IntegerOperand] {
        switch self {
        case .matmul: []
        case .raggedMatmul(_, let length):
            IntegerOperand.segments(at: 2, tokens: .axis(0, operand: 0), limit: length)
        }
    }

    private var depth: OperandExtent {
        switch self {
        case .matmul(let transposeLeft, _): .axis(transposeLeft ? -2 : -1, operand: 0)
        case .raggedMatmul(.scores, _): .axis(-1, operand: 0)
        case .raggedMatmul(.context, let length), .raggedMatmul(.transposed, let length): .attribute(length)
        }
    }
}

/// Checks `offsets: i32[sequences + 1]` and `lengths: i32[sequences]`.
func checkSegments(_ offsets: TensorType, _ lengths: TensorType) throws(IRError) {
    guard offsets.element == .i32, lengths.element == .i32, offsets.rank == 1, lengths.rank == 1,
        offsets.shape[0] == lengths.shape[0] + 1
    else {
        throw .type("needs offsets i32[sequences+1] and lengths i32[sequences], got \(offsets), \(lengths)")
    }
}
