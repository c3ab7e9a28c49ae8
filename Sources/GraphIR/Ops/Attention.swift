// flash_attention           softmax(scale q kᵀ) v within each packed sequence, without an array of scores. Operands
//                           (q, k, v, offsets, lengths) with q, k, v [tokens, heads, headSize] of one float type,
//                           behind v the tables of relative positions and behind lengths the angles and the bias where
//                           the attributes name them, then rng i64[2] when rate > 0; results (out, lse), out like q and lse
//                           f32[tokens, heads]. For query row t = offsets[s] + i and
//                           key rows u = offsets[s] + j, i and j < lengths[s]:
//   S[t, h, j] = scale Σ_d q[t, h, d] k[u, h, d] + B[h, i, j]
//   lse[t, h] = log Σ_j exp S[t, h, j]
//   P = exp(S - lse)                                     out[t, h, d] = Σ_j dropout(P)[t, h, j] v[u, h, d]
//                           B is 0 without a bias; `pairs` is B as it stands, f32[heads, n, n], and `distances` has an
//                           element a distance, f32[heads, 2n - 1]: B[h, i, j] = bias[h, j - i + n - 1] (relative
//                           positions: Raffel et al., arXiv:1910.10683; Press et al., arXiv:2108.12409). No sequence
//                           may be longer than n. Where B is -infinity, the key is excluded as by a mask.
//                           With relative terms, a distance has a key a and a query b for each head, in tables
//                           [2n - 1, heads, headSize] of the type of q, and S has besides (content to position, position
//                           to content: He et al., arXiv:2006.03654)
//   scale Σ_d (q[t, h, d] a[j - i + n - 1, h, d] + k[u, h, d] b[j - i + n - 1, h, d])
//                           With `rotary`, q and k stand for what they become when they are turned by the angles of
//                           their tokens (Su et al., arXiv:2104.09864), whose cosines c and sines s are
//                           f32[tokens, headSize], the cosines first, for m = headSize / 2 and d < m:
//   q'[t, h, d] = q[t, h, d] c[t, d] - q[t, h, m + d] s[t, d]
//   q'[t, h, m + d] = q[t, h, m + d] c[t, d] + q[t, h, d] s[t, d]
//                           Padding rows give out 0 and lse -infinity. Dropout keeps the elements that the op
//                           `dropout` of the same rate and stream keeps of P as a tensor [tokens, heads, length].
//                           With a mask only its keys take part, all other weights being 0; a row without a key
//                           gives out 0, lse -infinity and no gradient.
// flash_attention_gradient  operands (dout, q, k, v, out, lse, offsets, lengths) and, where the forward op has them,
//                           its others in the same places; results (dq, dk, dv), 0 at padding, and with `bias_gradient` dbias like bias, the sum of dS over all sequences
//                           (and over the pairs of a distance), 0 where there is no pair; S and P are computed again
//                           (Dao et al., arXiv:2205.14135, appendix B.2):
//   delta[t, h] = Σ_d dout[t, h, d] out[t, h, d]         dP[t, h, j] = keep / (1 - rate) Σ_d dout[t, h, d] v[u, h, d]
//   dS = P (dP - delta)                                  dq[t, h, d] = scale Σ_j dS[t, h, j] k[u, h, d]
//   dk[u, h, d] = scale Σ_i dS[t, h, j] q[t, h, d]       dv[u, h, d] = Σ_i dropout(P)[t, h, j] dout[t, h, d]
//                           With relative terms dq and dk have the terms of a and b as well, and results behind all
//                           others are da and db like the tables, sums over the pairs of a distance in all sequences:
//   da[r, h, d] = scale Σ dS[t, h, j] q[t, h, d]         db[r, h, d] = scale Σ dS[t, h, j] k[u, h, d]

extension Op {
    /// Attention without an array of scores.
    public enum Attention: Hashable, Sendable {
        /// softmax(scale · q kᵀ + bias) v within each sequence, with the log-sum-exp of each row.
        case forward(AttentionAttributes)
        /// The gradients with respect to q, k, v and, where it is asked for, the bias.
        case gradient(AttentionAttributes)

        /// Scale, dropout, mask and bias, which both directions have in common.
        public var attributes: AttentionAttributes {
            switch self {
            case .forward(let attributes), .gradient(let attributes): attributes
            }
        }
    }

    /// Attention within packed sequences; `GraphBuilder.attention` is the easier way to write it.
    public static func flashAttention(_ attributes: AttentionAttributes) -> Op {
        .attention(.forward(attributes))
    }

    package static func flashAttentionGradient(_ attributes: AttentionAttributes) -> Op {
        .attention(.gradient(attributes))
    }
}

extension Op.Attention: OpFamily {
    private enum Row {
        static let mask = AttributeSpelling<AttentionMask>(
            name: "mask", write: { .string($0.description) },
            read: { reader throws(IRError) in try AttentionMask(parsing: reader.string("mask"))
            })
        static let forward = Spelling(
            "flash_attention", .float("scale"), .float("rate"), .int("stream"), .optional(mask),
            .optional(.choice("bias")), .optional(.choice("relative")), .flag("rotary")
        ) {
            .flashAttention(
                AttentionAttributes(
                    scale: $0, rate: $1, stream: $2, mask: $3, bias: $4, relative: $5, isRotary: $6))
        }
        static let gradient = Spelling(
            "flash_attention_gradient", .float("scale"), .float("rate"), .int("stream"), .optional(mask),
            .optional(.choice("bias")), .optional(.choice("relative")), .flag("rotary"),
            .flag("bias_gradient")
        ) {
            .flashAttentionGradient(
                AttentionAttributes(
                    scale: $0, rate: $1, stream: $2, mask: $3, bias: $4, relative: $5, isRotary: $6,
                    hasBiasGradient: $7))
        }
    }

    static let spellings: [any OpSpelling] = [Row.forward, Row.gradient]

    var text: OpText {
        switch self {
        case .forward(let a):
            Row.forward(a.scale, a.rate, a.stream, a.mask, a.bias, a.relative, a.isRotary)
        case .gradient(let a):
            Row.gradient(
                a.scale, a.rate, a.stream, a.mask, a.bias, a.relative, a.isRotary, a.hasBiasGradient)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard (0..<1).contains(attributes.rate), attributes.stream >= 0 else {
            throw .type("rate \(attributes.rate) must be in [0, 1)")
        }
        guard attributes.scale.isFinite else { throw .type("scale \(attributes.scale) must be finite") }
        try expect(operands, operandCount...operandCount)
        let x = AttentionOperands(self, operands)
        try check(x)
        switch self {
        case .forward:
            guard !attributes.hasBiasGradient else { throw .type("a bias gradient is of the gradient op") }
            return [x.q, TensorType(.f32, Array(x.q.shape.dropLast()))]
        case .gradient:
            let dbias = attributes.hasBiasGradient ? x.bias : nil
            return [x.q, x.q, x.q] + (dbias.map { [$0] } ?? []) + x.relative
        }
    }

    /// Checks tensors of one type, the numbers per row and head, the segments, bias and rng.
    private func check(_ x: AttentionOperands<TensorType>) throws(IRError) {
        let q = x.q
        let tensors =
            (x.results.map { [$0.dout] } ?? []) + [q, x.k, x.v] + (x.results.map { [$0.out] } ?? [])
        guard q.rank == 3, q.element.isFloat, tensors.allSatisfy({ $0 == tensors[0] }) else {
            throw .type("needs \(tensors.count) times one float[tokens, heads, _], got \(tensors)")
        }
        let row = TensorType(.f32, Array(q.shape.dropLast()))
        if let lse = x.results?.lse, lse != row { throw .type("needs lse \(row), got \(lse)") }
        if let mask = attributes.mask {
            guard let heads = q.shape[1].fixedExtent else {
                throw .type("a mask needs a fixed number of heads")
            }
            try mask.check(heads: heads)
        }
        for table in x.relative { try checkRelative(table, x) }
        try checkSegments(x.offsets, x.lengths)
        if let rotary = x.rotary { try checkRotary(rotary, q) }
        if let bias = attributes.bias, let operand = x.bias {
            try check(operand, bias, heads: q.shape[1])
        } else if attributes.hasBiasGradient {
            throw .type("a bias gradient needs a bias")
        }
        if let rng = x.rng, rng != TensorType(.i64, [2]) { throw .type("needs rng i64[2], got \(rng)") }
    }

    private func checkRotary(_ angles: TensorType, _ q: TensorType) throws(IRError) {
        guard angles == TensorType(.f32, [q.shape[0], q.shape[2]]) else {
            throw .type("needs angles f32[\(q.shape[0]), \(q.shape[2])], got \(angles)")
        }
        guard q.shape[2].fixedExtent.map({ $0 % 2 == 0 }) == true else {
            throw .type("needs a fixed, even head size to turn, got \(q.shape[2])")
        }
    }

    private func checkRelative(
        _ table: TensorType, _ x: AttentionOperands<TensorType>
    ) throws(IRError) {
        let (q, first) = (x.q, x.relative[0])
        guard table.element == q.element, table.rank == 3, table == first,
            table.shape[0].fixedExtent.map({ $0 % 2 == 1 }) == true,
            Array(table.shape[1...]) == Array(q.shape[1...])
        else {
            let shape = ["2n - 1"] + q.shape[1...].map { "\($0)" }
            throw .type(
                "needs relative positions \(q.element)[\(shape.joined(separator: ", "))], got \(table)")
        }
    }

    private func check(_ operand: TensorType, _ bias: AttentionBias, heads: Dimension) throws(IRError) {
        let (shape, isLegal): (String, Bool) =
            switch bias {
            case .pairs: ("n, n", operand.rank == 3 && operand.shape[1] == operand.shape[2])
            case .distances: ("2n - 1", operand.rank == 2 && (operand.shape[1].fixedExtent ?? 1) % 2 == 1)
            }
        guard operand.element == .f32, isLegal, operand.shape[0] == heads else {
            throw .type("needs a bias f32[\(heads), \(shape)], got \(operand)")
        }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        switch self {
        case .forward(var attributes):
            guard rule.cotangents[1] == nil else {
                throw IRError("gradient", "lse of 'flash_attention' can't be differentiated")
            }
            var x = AttentionOperands(self, rule.operands)
            x.results = .init(dout: rule.cotangent, out: rule.results[0], lse: rule.results[1])
            attributes.hasBiasGradient = positions.bias.map { rule.needed[$0] } ?? false
            let gradients = rule.builder.applyAll(.flashAttentionGradient(attributes), x.list)
            let dbias = attributes.hasBiasGradient ? gradients[3] : nil
            let relative = 3..<3 + positions.relative.count
            let tables = gradients.suffix(relative.count)
            return rule.operands.indices.map { index in
                if index < 3 { return gradients[index] }
                if relative.contains(index) { return tables[tables.startIndex + index - 3] }
                return index == positions.bias ? dbias : nil
            }
        case .gradient:
            throw noGradient()
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        Iteration(.opaque, over: results)
    }

    var traits: OpTraits {
        let tables = attributes.relative?.tableCount ?? 0
        let (results, tensors, products) =
            switch self {
            case .forward: (2, 0..<3 + tables, 2 + tables)
            case .gradient:
                ((attributes.hasBiasGradient ? 4 : 3) + tables, 0..<5 + tables, 5 + 3 * tables)
            }
        return OpTraits(
            results: results, merges: true, folding: .small, isElementWise: false, byAddress: 0..<0,
            lowPrecision: tensors,
            integers: IntegerOperand.segments(at: positions.offsets, tokens: .axis(0, operand: 0)),
            work: .attention(products: products), word: nil,
            dropoutStream: attributes.rate > 0 ? attributes.stream : nil)
    }
}
