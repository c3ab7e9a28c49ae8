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
// rms_norm             y = x rstd gamma, rstd = 1/√(mean of x² + epsilon) (Zhang and Sennrich, arXiv:1910.07467):
//                      layer_norm without mean and beta, operands (x, gamma), results (y, rstd)
// rms_norm_gradient    operands (dy, x, gamma, rstd), results (dx, dgamma)
// rms_statistics       rstd of x as in rms_norm, f32
// rms_normalize        y = x rstd gamma, operands (x, rstd, gamma): the second half of rms_norm

extension Op {
    /// What a norm takes from the elements of a row, and what it divides them by.
    public enum Norm: Hashable, Sendable, CaseIterable {
        /// LayerNorm: the mean is taken away, the deviation divides, gamma multiplies, beta is added.
        case layer
        /// RMSNorm: the root mean square divides, gamma multiplies.
        case rms

        /// Whether the mean is a statistic, and beta an operand.
        package var isCentred: Bool { self == .layer }
    }

    /// Softmax, LayerNorm and RMSNorm.
    public enum Normalisation: Hashable, Sendable {
        /// Softmax over the last axis.
        case softmax
        /// The gradient of softmax from its result.
        case softmaxGradient
        /// A norm over the last axis, with the statistics of each row.
        case norm(Norm, epsilon: Double)
        /// The gradients of a norm with respect to x, gamma and, where it has one, beta.
        case normGradient(Norm)
        /// The statistics of each row: the first half of a norm.
        case rowStatistics(Norm, epsilon: Double)
        /// The second half of a norm.
        case normalize(Norm)
    }

    /// Softmax over the last axis; a second operand, i32, limits it to the first columns of each row. See `Tensor.softmax`.
    public static var softmax: Op { .normalisation(.softmax) }
    package static var softmaxGradient: Op { .normalisation(.softmaxGradient) }
    /// LayerNorm over the last axis; see `Tensor.layerNorm`.
    public static func layerNorm(epsilon: Double) -> Op { .norm(.layer, epsilon: epsilon) }
    /// RMSNorm over the last axis; see `Tensor.rmsNorm`.
    public static func rmsNorm(epsilon: Double) -> Op { .norm(.rms, epsilon: epsilon) }
    package static func norm(_ norm: Norm, epsilon: Double) -> Op {
        .normalisation(.norm(norm, epsilon: epsilon))
    }
    package static func normGradient(_ norm: Norm) -> Op { .normalisation(.normGradient(norm)) }
    package static func rowStatistics(_ norm: Norm, epsilon: Double) -> Op {
        .normalisation(.rowStatistics(norm, epsilon: epsilon))
    }
    package static func normalize(_ norm: Norm) -> Op { .normalisation(.normalize(norm)) }
}

extension Op.Normalisation: OpFamily {
    private enum Row {
        static let softmax = Spelling("softmax") { .softmax }
        static let softmaxGradient = Spelling("softmax_gradient") { .softmaxGradient }
        static let layerNorm = Spelling("layer_norm", .float("epsilon")) { .norm(.layer, epsilon: $0) }
        static let layerNormGradient = Spelling("layer_norm_gradient") { .normGradient(.layer) }
        static let rowStatistics = Spelling("row_statistics", .float("epsilon")) {
            .rowStatistics(.layer, epsilon: $0)
        }
        static let normalize = Spelling("normalize") { .normalize(.layer) }
        static let rmsNorm = Spelling("rms_norm", .float("epsilon")) { .norm(.rms, epsilon: $0) }
        static let rmsNormGradient = Spelling("rms_norm_gradient") { .normGradient(.rms) }
        static let rmsStatistics = Spelling("rms_statistics", .float("epsilon")) {
            .rowStatistics(.rms, epsilon: $0)
        }
        static let rmsNormalize = Spelling("rms_normalize") { .normalize(.rms) }
    }

    static let spellings: [any OpSpelling] = [
        Row.softmax, Row.softmaxGradient, Row.layerNorm, Row.layerNormGradient, Row.rowStatistics,
        Row.normalize, Row.rmsNorm, Row.rmsNormGradient, Row.rmsStatistics, Row.rmsNormalize,
    ]

    var text: OpText {
        switch self {
        case .softmax: Row.softmax()
        case .softmaxGradient: Row.softmaxGradient()
        case .norm(.layer, let epsilon): Row.layerNorm(epsilon)
        case .norm(.rms, let epsilon): Row.rmsNorm(epsilon)
        case .normGradient(.layer): Row.layerNormGradient()
        case .normGradient(.rms): Row.rmsNormGradient()
        case .rowStatistics(.layer, let epsilon): Row.rowStatistics(epsilon)
        case .rowStatistics(.rms, let epsilon): Row.rmsStatistics(epsilon)
        case .normalize(.layer): Row.normalize()
        case .normalize(.rms): Row.rmsNormalize()
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard let x = operands.first, x.rank >= 1, x.element.isFloat else {
            throw .type("needs a float tensor with at least one axis")
        }
        switch self {
        case .norm(_, let epsilon), .rowStatistics(_, let epsilon):
            guard epsilon >= 0, epsilon.isFinite else {
                throw .type("epsilon \(epsilon) must be a number of at least 0")
            }
        case .softmax, .softmaxGradient, .normGradient, .normalize: break
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
        case .norm(let norm, _):
            try expect(operands, norm.isCentred ? 3...3 : 2...2)
            try norm.check(operands.dropFirst(), width)
            return [x] + norm.statistics(row)
        case .normGradient(let norm):
            try expect(operands, norm.isCentred ? 5...5 : 4...4)
            guard operands[1] == x, operands[2].shape == width,
                operands.dropFirst(3).elementsEqual(norm.statistics(row))
            else {
                throw .type("needs (dy, x, gamma, \(norm.isCentred ? "mean, " : "")rstd), got \(operands)")
            }
            return [x, operands[2]] + (norm.isCentred ? [operands[2]] : [])
        case .rowStatistics(let norm, _):
            try expect(operands, 1...1)
            return norm.statistics(row)
        case .normalize(let norm):
            let statistics = norm.statistics(row)
            try expect(operands, norm.isCentred ? 5...5 : 3...3)
            guard operands[1...statistics.count].elementsEqual(statistics) else {
                throw .type(
                    "needs (x, \(norm.isCentred ? "mean, rstd, gamma, beta" : "rstd, gamma")), got \(operands)"
                )
            }
            try norm.check(operands.dropFirst(1 + statistics.count), width)
            return [x]
        }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        let g = rule.builder
        switch self {
        case .softmax:
            let dx = g.apply(.softmaxGradient, [rule.cotangent, rule.results[0]])
            return [dx] + rule.operands.dropFirst().map { _ in nil }
        case .norm(let norm, _):
            guard rule.cotangents.dropFirst().allSatisfy({ $0 == nil }) else {
                throw IRError("gradient", "mean and rstd of '\(text.mnemonic)' can't be differentiated")
            }
            let (x, gamma) = (rule.operands[0], rule.operands[1])
            return g.applyAll(
                .normGradient(norm), [rule.cotangent, x, gamma] + rule.results.dropFirst())
        case .softmaxGradient, .normGradient, .rowStatistics, .normalize:
            throw noGradient()
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        let last = operands[0].rank - 1
        return switch self {
        case .softmax, .softmaxGradient, .norm, .rowStatistics:
            Iteration(.row(columns: last), over: operands)
        case .normGradient: Iteration(.row(columns: last), over: operands, columnSums: 1..<results.count)
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
        case .rowStatistics(let norm, _): norm.isCentred ? 2 : 1
        case .norm(let norm, _), .normGradient(let norm): norm.isCentred ? 3 : 2
        }
    }

    private var byAddress: Range<Int> {
        switch self {
        case .softmax: 1..<2
        case .softmaxGradient, .norm, .normGradient, .rowStatistics, .normalize: 0..<0
        }
    }

    private var integers: [IntegerOperand] {
        switch self {
        case .softmax: [IntegerOperand(1, .below(.axis(-1, operand: 0, plus: 1)))]
        case .softmaxGradient, .norm, .normGradient, .rowStatistics, .normalize: []
        }
    }

    private var work: OpTraits.Work {
        switch self {
        case .normalize: .elements(4)
        case .softmax, .softmaxGradient, .norm, .normGradient, .rowStatistics: .elements(10)
        }
    }

    private var word: String? {
        switch self {
        case .softmax: nil
        case .softmaxGradient: "dsoftmax"
        case .rowStatistics: "rowstats"
        case .norm(let norm, _), .normalize(let norm): norm.isCentred ? "layernorm" : "rmsnorm"
        case .normGradient(let norm): norm.isCentred ? "dlayernorm" : "drmsnorm"
        }
    }
}

extension Op.Norm {
    /// The statistics of rows of the shape `row`.
    fileprivate func statistics(_ row: [Dimension]) -> [TensorType] {
        Array(repeating: TensorType(.f32, row), count: isCentred ? 2 : 1)
    }

    /// Checks gamma and, where there is one, beta.
    fileprivate func check(_ factors: ArraySlice<TensorType>, _ width: [Dimension]) throws(IRError) {
        guard let gamma = factors.first, factors.allSatisfy({ $0 == gamma }), gamma.shape == width,
            gamma.element.isFloat
        else {
            let names = isCentred ? "gamma and beta" : "gamma"
            throw .type(
                "\(names) must be [\(width[0])], got \(factors.map(\.description).joined(separator: " and "))"
            )
        }
    }
}
