// flash_attention           softmax(scale q kᵀ) v within each packed sequence, without an array of scores. Operands
//                           (q, k, v, offsets, lengths) with q, k, v [tokens, heads, headSize] of one float type,
//                           then the bias where the attributes name one, then rng i64[2] when rate > 0; results
//                           (out, lse), out like q and lse f32[tokens, heads]. For query row t = offsets[s] + i and
//                           key rows u = offsets[s] + j, i and j < lengths[s]:
//   S[t, h, j] = scale Σ_d q[t, h, d] k[u, h, d] + B[h, i, j]
//   lse[t, h] = log Σ_j exp S[t, h, j]
//   P = exp(S - lse)                                     out[t, h, d] = Σ_j dropout(P)[t, h, j] v[u, h, d]
//                           B is 0 without a bias; `pairs` is B as it stands, f32[heads, n, n], and `distances` has an
//                           element a distance, f32[heads, 2n - 1]: B[h, i, j] = bias[h, j - i + n - 1] (relative
//                           positions: Raffel et al., arXiv:1910.10683; Press et al., arXiv:2108.12409). No sequence
//                           may be longer than n. Where B is -infinity, the key is excluded as by a mask.
//                           Padding rows give out 0 and lse -infinity. Dropout keeps the elements that the op
//                           `dropout` of the same rate and stream keeps of P as a tensor [tokens, heads, length].
//                           With a mask only its keys take part, all other weights being 0; a row without a key
//                           gives out 0, lse -infinity and no gradient.
// flash_attention_gradient  operands (dout, q, k, v, out, lse, offsets, lengths[, bias][, rng]), results (dq, dk, dv),
//                           0 at padding, and with `bias_gradient` dbias like bias, the sum of dS over all sequences
//                           (and over the pairs of a distance), 0 where there is no pair; S and P are computed again
//                           (Dao et al., arXiv:2205.14135, appendix B.2):
//   delta[t, h] = Σ_d dout[t, h, d] out[t, h, d]         dP[t, h, j] = keep / (1 - rate) Σ_d dout[t, h, d] v[u, h, d]
//   dS = P (dP - delta)                                  dq[t, h, d] = scale Σ_j dS[t, h, j] k[u, h, d]
//   dk[u, h, d] = scale Σ_i dS[t, h, j] q[t, h, d]       dv[u, h, d] = Σ_i dropout(P)[t, h, j] dout[t, h, d]

/// What the elements of an additive bias of attention's scores belong to.
public enum AttentionBias: String, Hashable, Sendable, CaseIterable {
    /// Two positions of a sequence: f32[heads, n, n], queries before keys.
    case pairs
    /// The distance from the query's position to the key's, from 1 - n to n - 1: f32[heads, 2n - 1].
    case distances

    /// n of a bias with so many elements in its last axis: the longest sequence that it serves.
    public func longest(_ columns: Int) -> Int {
        switch self {
        case .pairs: columns
        case .distances: (columns + 1) / 2
        }
    }
}

/// What attention computes beyond its operands.
public struct AttentionAttributes: Hashable, Sendable {
    /// Factor of the scores, usually 1/√headSize.
    public var scale: Double
    /// Share of the probabilities that dropout takes out, in [0, 1).
    public var rate: Double
    /// Dropout's stream number.
    public var stream: Int
    /// The keys that a row may attend to, where they are not all keys of its sequence.
    public var mask: AttentionMask?
    /// What is added to the scores, where there is an operand for it.
    public var bias: AttentionBias?
    /// Whether the gradient has the result dbias. The forward op has none.
    public var hasBiasGradient = false

    public init(
        scale: Double, rate: Double = 0, stream: Int = 0, mask: AttentionMask? = nil,
        bias: AttentionBias? = nil, hasBiasGradient: Bool = false
    ) {
        self.scale = scale
        self.rate = rate
        self.stream = stream
        self.mask = mask
        self.bias = bias
        self.hasBiasGradient = hasBiasGradient
    }

    var named: [NamedAttribute] {
        let numbers: [NamedAttribute] = [
            ("scale", .float(scale)), ("rate", .float(rate)), ("stream", .int(stream)),
        ]
        return numbers + (mask.map { [("mask", .string($0.description))] } ?? [])
            + (bias.map { [("bias", .name($0.rawValue))] } ?? [])
            + (hasBiasGradient ? [("bias_gradient", .bool(true))] : [])
    }

    static let names = ["scale", "rate", "stream", "mask", "bias"]
    static let gradientNames = names + ["bias_gradient"]

    init(reading read: inout AttributeReader) throws(IRError) {
        scale = try read.float("scale")
        rate = try read.float("rate")
        stream = try read.int("stream")
        mask = read.contains("mask") ? try AttentionMask(parsing: read.string("mask")) : nil
        bias = read.contains("bias") ? try read.choice("bias") : nil
        hasBiasGradient = try read.bool("bias_gradient")
    }
}

extension Op {
    func attentionTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .flashAttention(let attributes):
            guard !attributes.hasBiasGradient else { throw .type("a bias gradient is of the gradient op") }
            let q = try checkAttention(operands, tensors: 3, statistics: 0, attributes)
            return [q, TensorType(.f32, Array(q.shape.dropLast()))]
        case .flashAttentionGradient(let attributes):
            let q = try checkAttention(operands, tensors: 5, statistics: 1, attributes)
            return [q, q, q] + (attributes.hasBiasGradient ? [operands[8]] : [])
        default:
            preconditionFailure("not attention: \(mnemonic)")
        }
    }

    /// Checks `tensors` operands of one type, then `statistics` of a number a row and head, the segments, and rng.
    private func checkAttention(
        _ operands: [TensorType], tensors: Int, statistics: Int, _ attributes: AttentionAttributes
    ) throws(IRError) -> TensorType {
        guard (0..<1).contains(attributes.rate), attributes.stream >= 0 else {
            throw .type("rate \(attributes.rate) must be in [0, 1)")
        }
        guard attributes.scale.isFinite else { throw .type("scale \(attributes.scale) must be finite") }
        let data = tensors + statistics
        let rng = data + 2 + (attributes.bias == nil ? 0 : 1)
        let count = rng + (attributes.rate > 0 ? 1 : 0)
        try expect(operands, count...count)
        let q = operands[0]
        guard q.rank == 3, q.element.isFloat, operands[..<tensors].allSatisfy({ $0 == q }) else {
            throw .type("needs \(tensors) times one float[tokens, heads, _], got \(operands[..<tensors])")
        }
        let row = TensorType(.f32, Array(q.shape.dropLast()))
        guard operands[tensors..<data].allSatisfy({ $0 == row }) else {
            throw .type("needs lse \(row), got \(operands[tensors])")
        }
        if let mask = attributes.mask {
            guard let heads = q.shape[1].fixedExtent else {
                throw .type("a mask needs a fixed number of heads")
            }
            try mask.check(heads: heads)
        }
        try checkSegments(operands[data], operands[data + 1])
        if let bias = attributes.bias {
            try check(operands[data + 2], bias, heads: q.shape[1])
        } else if attributes.hasBiasGradient {
            throw .type("a bias gradient needs a bias")
        }
        guard attributes.rate == 0 || operands[rng] == TensorType(.i64, [2]) else {
            throw .type("needs rng i64[2], got \(operands[rng])")
        }
        return q
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

    func attentionVJP(_ rule: VJP) throws(IRError) -> [Tensor?] {
        guard case .flashAttention(var attributes) = self else { throw noGradient() }
        guard rule.cotangents[1] == nil else {
            throw IRError("gradient", "lse of 'flash_attention' can't be differentiated")
        }
        let (tensors, rest) = (rule.operands[..<3], rule.operands[3...])
        attributes.hasBiasGradient = attributes.bias != nil && rule.needed[5]
        let gradients = rule.builder.applyAll(
            .flashAttentionGradient(attributes), [rule.cotangent] + tensors + rule.results + rest)
        let dbias = attributes.hasBiasGradient ? gradients[3] : nil
        return gradients[..<3].map(Optional.some) + rest.indices.map { $0 == 5 ? dbias : nil }
    }
}
