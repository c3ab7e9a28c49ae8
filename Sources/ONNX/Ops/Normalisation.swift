import GraphIR

/// LayerNorm, RMSNorm and their relatives.
enum Normalisation {
    static let rules: [String: OperatorRule] = [
        "LayerNormalization": layerNorm, "RMSNormalization": rmsNorm, "BatchNormalization": batchNorm,
        "InstanceNormalization": instanceNorm, "GroupNormalization": groupNorm, "LRN": localResponse,
        "LpNormalization": lpNorm, "MeanVarianceNormalization": meanVariance,
    ]

    /// The mean over axes, and 1/√(variance + epsilon).
    private static func statistics(_ x: Tensor, _ axes: [Int], _ epsilon: Double) -> (
        mean: Tensor, rstd: Tensor
    ) {
        let mean = x.mean(axes: axes, keepDimensions: true)
        let centred = x - mean
        return (mean, ((centred * centred).mean(axes: axes, keepDimensions: true) + epsilon).rsqrt())
    }

    private static let layerNorm: OperatorRule = { site in
        let (x, scale) = (try site.input(0), try site.input(1))
        let axis = try site.axis(try site.int("axis", -1), of: x.rank)
        let epsilon = try site.float("epsilon", 1e-5)
        let width = Array(x.shape[axis...])
        let own = x.tensor.type.element
        let single = Array(x.shape[..<axis]) + width.map { _ in 1 }
        if let flat = Shapes.product(width), scale.shape == width,
            site.optional(2).map({ $0.shape == width }) ?? true
        {
            // Over the last axis, which all normalised ones become.
            let rows = x.tensor.reshaped(x.shape[..<axis] + [flat])
            let gamma = scale.tensor.reshaped([flat])
            let beta = site.optional(2)?.tensor.reshaped([flat]) ?? gamma.filled(0)
            let results = site.g.applyAll(.layerNorm(epsilon: epsilon), [rows, gamma, beta])
            return [
                site.value(x.element, results[0].reshaped(x.shape)),
                site.value(.float, results[1].reshaped(single)),
                site.value(.float, results[2].reshaped(single)),
            ]
        }
        let wide = x.tensor.cast(.f32)
        let (mean, rstd) = statistics(wide, Array(axis..<x.rank), epsilon)
        var y = ((wide - mean) * rstd).cast(own) * scale.tensor
        if let bias = site.optional(2) { y = y + bias.tensor }
        return [site.value(x.element, y), site.value(.float, mean), site.value(.float, rstd)]
    }

    private static let rmsNorm: OperatorRule = { site in
        let (x, scale) = (try site.input(0), try site.input(1))
        let axis = try site.axis(try site.int("axis", -1), of: x.rank)
        let epsilon = try site.float("epsilon", 1e-5)
        let width = Array(x.shape[axis...])
        if let flat = Shapes.product(width), scale.shape == width, x.element == scale.element {
            let rows = x.tensor.reshaped(x.shape[..<axis] + [flat])
            return [
                site.value(
                    x.element,
                    rows.rmsNorm(gamma: scale.tensor.reshaped([flat]), epsilon: epsilon).reshaped(x.shape))
            ]
        }
        let wide = x.tensor.cast(.f32)
        let rstd = ((wide * wide).mean(axes: Array(axis..<x.rank), keepDimensions: true) + epsilon).rsqrt()
        let normal = (wide * rstd).cast(x.tensor.type.element).cast(scale.tensor.type.element)
        return [site.value(scale.element, normal * scale.tensor)]
    }

    /// A vector of channels along axis 1.
    private static func channels(_ vector: Tensor, rank: Int) -> Tensor {
        vector.reshaped([1] + vector.shape + Array(repeating: 1, count: max(rank - 2, 0)))
    }

    private static let batchNorm: OperatorRule = { site in
        let x = try site.input(0)
        let epsilon = try site.float("epsilon", 1e-5)
        let (scale, bias) = (try site.tensor(1), try site.tensor(2))
        let (oldMean, oldVariance) = (try site.tensor(3), try site.tensor(4))
        let wide = x.tensor
        func along(_ vector: Tensor) -> Tensor { channels(vector.cast(wide.type.element), rank: x.rank) }
        guard try site.flag("training_mode") else {
            let y =
                (wide - along(oldMean)) * (along(oldVariance) + epsilon).rsqrt() * along(scale) + along(bias)
            return [site.value(x.element, y)]
        }
        let axes = (0..<x.rank).filter { $0 != 1 }
        let mean = wide.mean(axes: axes, keepDimensions: true)
        let variance = ((wide - mean) * (wide - mean)).mean(axes: axes, keepDimensions: true)
        let y = (wide - mean) * (variance + epsilon).rsqrt() * along(scale) + along(bias)
        let momentum = try site.float("momentum", 0.9)
        func running(_ old: Tensor, _ new: Tensor) -> Tensor {
            old * momentum + new.reshaped(old.shape).cast(old.type.element) * (1 - momentum)
        }
        return [
            site.value(x.element, y), site.value(try site.input(3).element, running(oldMean, mean)),
            site.value(try site.input(4).element, running(oldVariance, variance)),
        ]
    }

    private static let instanceNorm: OperatorRule = { site in
        let x = try site.input(0)
        let axes = Array(2..<max(x.rank, 2))
        let (mean, rstd) = statistics(x.tensor, axes, try site.float("epsilon", 1e-5))
        let y =
            (x.tensor - mean) * rstd * channels(try site.tensor(1), rank: x.rank)
            + channels(try site.tensor(2), rank: x.rank)
        return [site.value(x.element, y)]
    }

    private static let groupNorm: OperatorRule = { site in
        let x = try site.input(0)
        guard let groups = try site.int("num_groups"), groups > 0, x.rank >= 2,
            let count = x.shape[1].fixedExtent,
            count % groups == 0
        else { throw ONNXError.invalid("needs channels that its groups divide") }
        let own = x.tensor.type.element
        let split = [x.shape[0], .fixed(groups), .fixed(count / groups)] + x.shape[2...]
        let wide = x.tensor.reshaped(split).cast(.f32)
        let (mean, rstd) = statistics(wide, Array(2..<split.count), try site.float("epsilon", 1e-5))
        let normal = ((wide - mean) * rstd).reshaped(x.shape).cast(own)
        func along(_ vector: Tensor) -> Tensor {
            // Before operator set 21 there was one number for a group.
            let isPerGroup = vector.shape == [.fixed(groups)] && count != groups
            let full =
                isPerGroup
                ? vector.reshaped([.fixed(groups), 1]).broadcast(to: [.fixed(groups), .fixed(count / groups)])
                    .reshaped([.fixed(count)])
                : vector
            return channels(full, rank: x.rank)
        }
        return [site.value(x.element, normal * along(try site.tensor(1)) + along(try site.tensor(2)))]
    }

    private static let localResponse: OperatorRule = { site in
        let x = try site.input(0)
        guard let size = try site.int("size"), size > 0, x.rank >= 2 else {
            throw ONNXError.invalid("needs a size")
        }
        let count = try site.fixed([x.shape[1]], "the channels")[0]
        let (alpha, beta, bias) = (
            try site.float("alpha", 0.0001), try site.float("beta", 0.75), try site.float("bias", 1)
        )
        // Squares of the channels around each, by a band matrix.
        let (before, after) = ((size - 1) / 2, size / 2)
        let band = Places.indices([count, count]).map {
            abs($0[0] - $0[1]) <= max(before, after) && $0[1] >= $0[0] - before && $0[1] <= $0[0] + after
                ? 1.0 : 0
        }
        let matrix = site.g.constant(band, x.tensor.type.element, [count, count])
        let rest = try site.fixed(Array(x.shape[2...]), "the axes").reduce(1, *)
        let squares = (x.tensor * x.tensor).reshaped([x.shape[0], .fixed(count), .fixed(rest)])
        let sums = matrix.broadcast(to: [x.shape[0], .fixed(count), .fixed(count)]).matmul(squares).cast(
            x.tensor.type.element
        ).reshaped(x.shape)
        let scale = sums * (alpha / Double(size)) + bias
        return [site.value(x.element, x.tensor / site.g.binary(.pow, scale, scale.number(beta)))]
    }

    private static let lpNorm: OperatorRule = { site in
        let x = try site.input(0)
        let axis = try site.axis(try site.int("axis", -1), of: x.rank)
        let norm: Tensor
        switch try site.int("p", 2) {
        case 1: norm = x.tensor.abs().sum(axes: [axis], keepDimensions: true)
        case 2: norm = (x.tensor * x.tensor).sum(axes: [axis], keepDimensions: true).sqrt()
        default: throw ONNXError.invalid("the attribute 'p' must be 1 or 2")
        }
        let isZero = site.g.compare(.eq, norm, norm.number(0))
        return [site.value(x.element, site.g.select(isZero, x.tensor.number(0), x.tensor / norm))]
    }

    private static let meanVariance: OperatorRule = { site in
        let x = try site.input(0)
        let axes = try site.axes(try site.ints("axes") ?? [0, 2, 3], of: x.rank)
        let mean = x.tensor.mean(axes: axes, keepDimensions: true)
        let centred = x.tensor - mean
        let deviation = (centred * centred).mean(axes: axes, keepDimensions: true).sqrt()
        return [site.value(x.element, centred / (deviation + 1e-9))]
    }
}
