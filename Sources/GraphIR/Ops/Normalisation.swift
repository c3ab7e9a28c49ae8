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
    func normalisationTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard let x = operands.first, x.rank >= 1, x.element.isFloat else {
            throw .type("needs a float tensor with at least one axis")
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
        default:
            preconditionFailure("not a normalisation: \(mnemonic)")
        }
    }

    func normalisationVJP(_ rule: VJP) throws(IRError) -> [Tensor?] {
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
        default:
            preconditionFailure("not a normalisation: \(mnemonic)")
        }
    }
}
