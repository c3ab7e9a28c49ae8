// Row ops over the last axis.
//
// softmax              y = exp(x - max) / Σ exp(x - max), operands (x) or (x, limits): limits is i32 with the shape
//                      of x's leading axes (a prefix of them); columns at or beyond a row's limit are left out and
//                      give 0, and a row with limit 0 is all zero
// softmax_gradient     dx = y (dy - Σ dy y), operands (dy, y)
// layer_norm           y = (x - mean) rstd gamma + beta, rstd = 1/√(var + epsilon), var biased (Ba et al.,
//                      arXiv:1607.06450); results (y, mean, rstd), the last two without the last axis
// layer_norm_gradient  operands (dy, x, gamma, mean, rstd), results (dx, dgamma, dbeta)
// row_statistics       (mean, rstd) of x as in layer_norm, f32
// normalize            y = (x - mean) rstd gamma + beta, operands (x, mean, rstd, gamma, beta): layer_norm is
//                      row_statistics and normalize, which the fusion pass places in different kernels

extension Op {
    /// Softmax and layer normalisation.
    public enum Normalisation: Hashable, Sendable {
        /// Softmax over the last axis.
        case softmax
        /// The gradient of softmax from its result.
        case softmaxGradient
        /// LayerNorm over the last axis, with the mean and the reciprocal deviation of each row.
        case layerNorm(epsilon: Double)
        /// The gradients of LayerNorm with respect to x, gamma and beta.
        case layerNormGradient
        /// Mean and reciprocal deviation of each row: the first half of LayerNorm.
        case rowStatistics(epsilon: Double)
        /// The second half of LayerNorm.
        case normalize
    }

    /// Softmax over the last axis; a second operand, i32, limits it to the first columns of each row. See `Tensor.softmax`.
    public static var softmax: Op { .normalisation(.softmax) }
    package static var softmaxGradient: Op { .normalisation(.softmaxGradient) }
    /// LayerNorm over the last axis; see `Tensor.layerNorm`.
    public static func layerNorm(epsilon: Double) -> Op { .normalisation(.layerNorm(epsilon: epsilon)) }
    package static var layerNormGradient: Op { .normalisation(.layerNormGradient) }
    package static func rowStatistics(epsilon: Double) -> Op {
        .normalisation(.rowStatistics(epsilon: epsilon))
    }
    package static var normalize: Op { .normalisation(.normalize) }
}

extension Op.Normalisation: OpFamily {
    private enum Row {
        static let softmax = Spelling("softmax") { .softmax }
        static let softmaxGradient = Spelling("softmax_gradient") { .softmaxGradient }
        static let layerNorm = Spelling("layer_norm", .float("epsilon")) { .layerNorm(epsilon: $0) }
        static let layerNormGradient = Spelling("layer_norm_gradient") { .layerNormGradient }
        static let rowStatistics = Spelling("row_statistics", .float("epsilon")) {
            .rowStatistics(epsilon: $0)
        }
        static let normalize = Spelling("normalize") { .normalize }
    }

    static let spellings: [any OpSpelling] = [
        Row.softmax, Row.softmaxGradient, Row.layerNorm, Row.layerNormGradient, Row.rowStatistics,
        Row.normalize,
    ]

    var text: OpText {
        switch self {
        case .softmax: Row.softmax()
        case .softmaxGradient: Row.softmaxGradient()
        case .layerNorm(let epsilon): Row.layerNorm(epsilon)
        case .layerNormGradient: Row.layerNormGradient()
        case .rowStatistics(let epsilon): Row.rowStatistics(epsilon)
        case .normalize: Row.normalize()
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard let x = operands.first, x.rank >= 1, x.element.isFloat else {
            throw .type("needs a float tensor with at least one axis")
        }
        switch self {
        case .layerNorm(let epsilon), .rowStatistics(let epsilon):
            guard epsilon >= 0, epsilon.isFinite else {
                throw .type("epsilon \(epsilon) must be a number of at least 0")
            }
        case .softmax, .softmaxGradient, .layerNormGradient, .normalize: break
        }
        let row = Array(x.shape.dropLast())
        let width = [x.shape[x.rank - 1]]
        switch self {
        case .softmax:
            try expect(operands, 1...2)
            if operands.count == 2 {
                let limits = operands[1]
                guard limits.element == .i32, limits.rank >= 1, limits.rank < x.rank,
                    Array(x.shape.prefix(limits.rank)) == limits.shape
                else { throw .type("limits must be i32 over leading axes of \(x), got \(limits)") }
            }
            return [x]
        case .softmaxGradient:
            try expect(operands, 2...2)
            guard x == operands[1] else { throw .type("dy and y differ: \(x) and \(operands[1])") }
            return [x]
        case .layerNorm:
            try expect(operands, 3...3)
            guard operands[1] == operands[2], operands[1].shape == width, operands[1].element.isFloat else {
                throw .type("gamma and beta must be [\(width[0])], got \(operands[1]) and \(operands[2])")
            }
            return [x, TensorType(.f32, row), TensorType(.f32, row)]
        case .layerNormGradient:
            try expect(operands, 5...5)
            guard operands[1] == x, operands[2].shape == width, operands[3] == operands[4],
                operands[3] == TensorType(.f32, row)
            else { throw .type("needs (dy, x, gamma, mean, rstd), got \(operands)") }
            return [x, operands[2], operands[2]]
        case .rowStatistics:
            try expect(operands, 1...1)
            return [TensorType(.f32, row), TensorType(.f32, row)]
        case .normalize:
            try expect(operands, 5...5)
            guard operands[1] == operands[2], operands[1] == TensorType(.f32, row),
                operands[3] == operands[4],
                operands[3].shape == width, operands[3].element.isFloat
            else { throw .type("needs (x, mean, rstd, gamma, beta), got \(operands)") }
            return [x]
        }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        let g = rule.builder
        switch self {
        case .softmax:
            let dx = g.apply(.softmaxGradient, [rule.cotangent, rule.results[0]])
            return [dx] + rule.operands.dropFirst().map { _ in nil }
        case .layerNorm:
            guard rule.cotangents[1] == nil, rule.cotangents[2] == nil else {
                throw IRError("gradient", "mean and rstd of 'layer_norm' can't be differentiated")
            }
            let (x, gamma) = (rule.operands[0], rule.operands[1])
            return g.applyAll(
                .layerNormGradient, [rule.cotangent, x, gamma, rule.results[1], rule.results[2]])
        case .softmaxGradient, .layerNormGradient, .rowStatistics, .normalize:
            throw noGradient()
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        let last = operands[0].rank - 1
        return switch self {
        case .softmax, .softmaxGradient, .layerNorm, .rowStatistics:
            Iteration(.row(columns: last), over: operands)
        case .layerNormGradient: Iteration(.row(columns: last), over: operands, columnSums: 1..<3)
        case .normalize: Iteration(.map, over: results, columnAxis: last)
        }
    }

    var traits: OpTraits {
        OpTraits(
            results: results, merges: true, folding: .small, isElementWise: false, byAddress: byAddress,
            lowPrecision: 0..<0, integers: integers, work: work, word: word, dropoutStream: nil)
    }

    private var results: Int {
        switch self {
        case .softmax, .softmaxGradient, .normalize: 1
        case .rowStatistics: 2
        case .layerNorm, .layerNormGradient: 3
        }
    }

    private var byAddress: Range<Int> {
        switch self {
        case .softmax: 1..<2
        case .softmaxGradient, .layerNorm, .layerNormGradient, .rowStatistics, .normalize: 0..<0
        }
    }

    private var integers: [IntegerOperand] {
        switch self {
        case .softmax: [IntegerOperand(1, .below(.axis(-1, operand: 0, plus: 1)))]
        case .softmaxGradient, .layerNorm, .layerNormGradient, .rowStatistics, .normalize: []
        }
    }

    private var work: OpTraits.Work {
        switch self {
        case .normalize: .elements(4)
        case .softmax, .softmaxGradient, .layerNorm, .layerNormGradient, .rowStatistics: .elements(10)
        }
    }

    private var word: String? {
        switch self {
        case .softmax: nil
        case .softmaxGradient: "dsoftmax"
        case .rowStatistics: "rowstats"
        case .layerNorm, .normalize: "layernorm"
        case .layerNormGradient: "dlayernorm"
        }
    }
}
