import GraphIR

/// What a step of a random graph adds.
private enum RandomStep: CaseIterable {
    // Differentiable everywhere.
    case unary, domainUnary, binary, division, bias, shapes, transpose, slice, concatenate, reduceSum, weight,
        gram
    case batched, softmax, limitedSoftmax, layerNorm, crossEntropy, gather, scatter, coalesce, segmentSum,
        segmentBroadcast
    case attention, flashAttention, dropout, iota
    // With kinks, jumps or without a gradient rule.
    case kink, extremum, reduceMax, select, jump, rounding, bytes, unaryGradient, rowGradients,
        attentionGradient

    var isSmooth: Bool {
        switch self {
        case .kink, .extremum, .reduceMax, .select, .jump, .rounding, .bytes, .unaryGradient, .rowGradients,
            .attentionGradient:
            false
        case .unary, .domainUnary, .binary, .division, .bias, .shapes, .transpose, .slice, .concatenate,
            .reduceSum,
            .weight, .gram, .batched, .softmax, .limitedSoftmax, .layerNorm, .crossEntropy, .gather, .scatter,
            .coalesce,
            .segmentSum, .segmentBroadcast, .attention, .flashAttention, .dropout, .iota:
            true
        }
    }
}

extension RandomGraphDraft {
    /// Adds one step; values grow by a bounded factor at most, which the step takes out again.
    mutating func addStep() {
        let steps = RandomStep.allCases.filter { $0.isSmooth || !smooth }
        guard let step = steps.randomElement(using: &random) else { return }
        pool += apply(step)
    }

    /// The step's results, none when no value of the pool fits it.
    private mutating func apply(_ step: RandomStep) -> [Tensor] {
        switch step {
        case .unary:
            let functions: [UnaryFunction] = [
                .neg, .tanh, .sigmoid, .erf, .gelu, .geluTanh, .silu, .sin, .cos,
            ]
            return [any().map(pick(functions))]
        case .domainUnary:
            // Positive and not close to zero.
            let x = any()
            return [(x * x * 0.5 + 0.5).map(pick([.exp, .log, .sqrt, .rsqrt, .reciprocal])).tanh()]
        case .binary:
            let a = any()
            return [builder.binary(pick([.add, .sub]), a, any(like: a)) * 0.7, a.tanh() * any(like: a)]
        case .division:
            let (a, power) = (any(), pick([0.5, 1, 2, 3.0]))
            let positive = any(like: a).sigmoid() + 0.5
            return [a / positive, builder.binary(.pow, positive, builder.scalar(power))]
        case .bias:
            return matrix().map { [($0 + source("bias")) * 0.7, source("bias").broadcast(to: $0.shape)] }
                ?? []
        case .shapes:
            let split: [Dimension] = ["tokens", .fixed(heads), .fixed(depth)]
            return matrix(rows: "tokens").map { [$0.reshaped(split), $0.reshaped(split).reshaped($0.shape)] }
                ?? []
        case .transpose:
            let x = any()
            return [x.transposed(x.shape.indices.shuffled(using: &random))]
        case .slice:
            guard let x = matrix() else { return [] }
            let start = Int.random(in: 0..<width, using: &random)
            let size = Int.random(in: 1...(width - start), using: &random)
            return [x.slice(axis: 1, start: start, size: .fixed(size))]
        case .concatenate:
            guard let x = matrix() else { return [] }
            return [builder.concatenate([x, any(like: x), x * 0.5], axis: 1)]
        case .reduceSum:
            let x = any()
            return [x.mean(axes: someAxes(x), keepDimensions: Bool.random(using: &random))]
        default:
            return applyRowStep(step)
        }
    }

    private mutating func applyRowStep(_ step: RandomStep) -> [Tensor] {
        let (offsets, lengths) = (source("offsets"), source("lengths"))
        switch step {
        case .weight:
            let transpose = Bool.random(using: &random)
            return matrix().map { [$0.matmul(source("weight"), transposeRight: transpose) * 0.4] } ?? []
        case .gram:
            return matrix().map { [$0.matmul(any(like: $0), transposeLeft: true) * 0.2] } ?? []
        case .batched:
            return heads3().map { [$0.matmul(any(like: $0), transposeRight: true) * 0.5] } ?? []
        case .softmax:
            let x = any()
            return x.shape.isEmpty ? [] : [x.softmax()]
        case .limitedSoftmax:
            // Lengths limit the columns of one row a sequence; some are empty.
            return matrix(rows: "sequences").map { [$0.softmax(limits: lengths)] } ?? []
        case .layerNorm:
            return matrix().map {
                [$0.layerNorm(gamma: source("gamma"), beta: source("beta"), epsilon: 1e-2) * 0.5]
            } ?? []
        case .crossEntropy:
            return matrix(rows: "tokens").map { [$0.crossEntropy(labels: source("labels")) * 0.5] } ?? []
        case .gather:
            return matrix(rows: .fixed(vocabulary)).map { [$0.gather(source("ids"))] } ?? []
        case .scatter:
            let rows = Dimension.fixed(vocabulary)
            return matrix(rows: "tokens").map {
                [builder.apply(.scatterAdd(rows: rows), [$0, source("ids")]) * 0.4]
            } ?? []
        case .coalesce:
            return matrix(rows: "tokens").map { updates in
                let numbers = builder.applyAll(.coalesce(rows: .fixed(vocabulary)), [source("ids")])
                let rows = Dimension.symbol("tokens", offset: 1)
                return [
                    builder.apply(.scatterAdd(rows: rows), [updates, numbers[1]]).gather(numbers[0]) * 0.4
                ]
            } ?? []
        case .segmentSum:
            return matrix(rows: "tokens").map { [$0.segmentSum(offsets: offsets, lengths: lengths) * 0.5] }
                ?? []
        case .segmentBroadcast:
            return matrix(rows: "sequences").map {
                [$0.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)]
            } ?? []
        case .attention:
            return attention(offsets, lengths)
        case .flashAttention:
            return flashAttention(offsets, lengths)
        case .dropout:
            let x = any()
            return x.shape.isEmpty ? [] : [builder.dropout(x, rate: 0.3, rng: source("rng"))]
        case .iota:
            guard let x = matrix() else { return [] }
            let axis = Int.random(in: 0...1, using: &random)
            let positions = builder.apply(.iota(type: TensorType(.i32, x.shape), axis: axis), [])
            return [(positions.cast(.f32) * 0.1).tanh() * x]
        default:
            return applyRoughStep(step)
        }
    }

    private mutating func applyRoughStep(_ step: RandomStep) -> [Tensor] {
        // Where a jump lies; no sum of the values here cancels to it.
        let threshold = 0.137
        let x = any()
        switch step {
        case .kink:
            return [x.map(pick([.abs, .relu]))]
        case .extremum:
            return [builder.binary(pick([.max, .min]), x, any(like: x))]
        case .reduceMax:
            return [x.max(axes: someAxes(x), keepDimensions: Bool.random(using: &random))]
        case .select:
            let above = builder.compare(pick([.gt, .ge]), x, builder.scalar(threshold))
            let below = builder.compare(pick([.lt, .le]), x, builder.scalar(-threshold)).map(.not)
            let condition = builder.binary(pick([.and, .or]), above, below)
            return [builder.select(condition, any(like: x), x)]
        case .jump:
            return [(x - threshold).sign().stopGradient()]
        case .rounding:
            // Numbers of bf16, which stay as they are: exact and rounded interpretation must agree.
            guard !x.shape.isEmpty else { return [] }
            let op = Op.stochasticRound(stream: 1 << 20 + builder.graph.nodes.count)
            return [builder.apply(op, [(x - threshold).sign(), source("rng")]).cast(.f32)]
        case .bytes:
            // Rows of -1 and 1, which are -127 and 127.
            guard let x = matrix(rows: "tokens"), width % 4 == 0 else { return [] }
            let (left, row) = (x - threshold).sign().quantized()
            let (right, column) = source("weight").quantized()
            let sum = left.matmul(right, transposeRight: true)
            return [sum.dequantized(row: row, column: column) * 0.3]
        case .unaryGradient:
            let functions: [UnaryFunction] = [.gelu, .geluTanh, .relu, .silu, .tanh, .sigmoid, .erf]
            return [builder.apply(.unaryGradient(pick(functions)), [any(like: x), x])]
        case .rowGradients:
            return rowGradients()
        case .attentionGradient:
            return attentionGradient()
        default:
            preconditionFailure("a step without a rule")
        }
    }

    /// Softmax attention over the packed sequences, with each of the ragged products.
    private mutating func attention(_ offsets: Tensor, _ lengths: Tensor) -> [Tensor] {
        guard let q = heads3() else { return [] }
        func ragged(_ form: RaggedForm, _ a: Tensor, _ b: Tensor) -> Tensor {
            builder.apply(.raggedMatmul(form, length: "length"), [a, b, offsets, lengths])
        }
        let scores = ragged(.scores, q, any(like: q)) * 0.5 + source("keys")
        let limits = lengths.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)
        let probabilities = scores.softmax(limits: limits)
        return [
            ragged(.context, probabilities, any(like: q)),
            ragged(.transposed, probabilities, any(like: q)) * 0.5,
        ]
    }

    /// Attention as the pass `attention` finds it, with dropout or without, and as an op.
    private mutating func flashAttention(_ offsets: Tensor, _ lengths: Tensor) -> [Tensor] {
        guard let q = heads3() else { return [] }
        let (k, v, rate) = (any(like: q), any(like: q), pick([0, 0.3]))
        func ragged(_ form: RaggedForm, _ a: Tensor, _ b: Tensor) -> Tensor {
            builder.apply(.raggedMatmul(form, length: "length"), [a, b, offsets, lengths])
        }
        let limits = lengths.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)
        let probabilities = (ragged(.scores, q, k) * 0.7).softmax(limits: limits)
        let dropped = builder.dropout(probabilities, rate: rate, rng: source("rng"))
        let attributes = AttentionAttributes(scale: 0.7, mask: mask())
        let op = builder.applyAll(.flashAttention(attributes), [k, q, v, offsets, lengths])
        return [ragged(.context, dropped, v), op[0]]
    }

    /// The fused gradients of row ops, of values of their forward ops.
    private mutating func rowGradients() -> [Tensor] {
        guard let x = matrix(rows: "tokens") else { return [] }
        let dy = any(like: x)
        let norm = builder.applyAll(.layerNorm(epsilon: 1e-2), [x, source("gamma"), source("beta")])
        let statistics = builder.applyAll(.rowStatistics(.layer, epsilon: 1e-2), [x])
        let normal = builder.apply(.normalize(.layer), [x] + statistics + [source("gamma"), source("beta")])
        let scaled = builder.applyAll(.rmsNorm(epsilon: 1e-2), [x, source("gamma")])
        let roots = builder.apply(.rowStatistics(.rms, epsilon: 1e-2), [x])
        let root = builder.apply(.normalize(.rms), [x, roots, source("gamma")])
        let labels = source("labels")
        let loss = builder.applyAll(.crossEntropy(ignoreIndex: -100), [x, labels])
        let dloss = dy.mean(axes: [1])
        return builder.applyAll(.normGradient(.layer), [dy, x, source("gamma"), norm[1], norm[2]]).map {
            $0 * 0.2
        } + builder.applyAll(.normGradient(.rms), [dy, x, source("gamma"), scaled[1]]).map { $0 * 0.2 } + [
            norm[0] * 0.5, normal * 0.5, scaled[0] * 0.5, root * 0.5, loss[0] * 0.5,
            builder.apply(.softmaxGradient, [dy, x.softmax()]),
            builder.apply(.crossEntropyGradient(ignoreIndex: -100), [dloss, x, labels, loss[1]]),
        ]
    }

    private mutating func attentionGradient() -> [Tensor] {
        guard let q = heads3() else { return [] }
        let operands = [q, any(like: q), any(like: q)]
        let rest = [source("offsets"), source("lengths")]
        let attributes = AttentionAttributes(scale: 0.7, mask: mask())
        let forward = builder.applyAll(.flashAttention(attributes), operands + rest)
        let gradients = builder.applyAll(
            .flashAttentionGradient(attributes), [any(like: q)] + operands + forward + rest)
        return gradients.map { $0 * 0.2 } + [forward[0]]
    }

    private mutating func mask() -> AttentionMask? {
        let patterns: [MaskPattern] = [
            .causal, .window(1), .dilated(2, step: 2), .strided(3), .fixed(3, last: 1), .logsparse,
            .bigbird(0, globals: [1], random: 1, seed: 9), .star,
        ]
        return pick([nil, AttentionMask(pick(patterns))])
    }

    // MARK: Choices

    private mutating func pick<T>(_ choices: [T]) -> T {
        choices[Int.random(in: choices.indices, using: &random)]
    }

    private mutating func any() -> Tensor { pick(pool) }

    /// Any value of the type of `tensor`, perhaps itself.
    private mutating func any(like tensor: Tensor) -> Tensor {
        pick(pool.filter { $0.type == tensor.type } + [tensor])
    }

    /// A value [rows, width], with any rows when none are given.
    private mutating func matrix(rows: Dimension? = nil) -> Tensor? {
        let width = Dimension.fixed(width)
        return pool.filter {
            $0.shape.count == 2 && $0.shape[1] == width && (rows == nil || $0.shape[0] == rows)
        }
        .randomElement(using: &random)
    }

    /// A value [tokens, heads, depth], split from a matrix when the pool has none.
    private mutating func heads3() -> Tensor? {
        let shape: [Dimension] = ["tokens", .fixed(heads), .fixed(depth)]
        return pool.filter { $0.shape == shape }.randomElement(using: &random)
            ?? matrix(rows: "tokens").map { $0.reshaped(shape) }
    }

    private mutating func someAxes(_ tensor: Tensor) -> [Int] {
        tensor.shape.indices.filter { _ in Bool.random(using: &random) }
    }
}
