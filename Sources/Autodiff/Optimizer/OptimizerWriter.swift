import GraphIR

/// Writes the optimiser: the gradients' norm, clipping, and each parameter's update.
///
/// Every rule is a node `adamw` with a learning rate of its own: what sets LAMB and layer-wise rates apart is a factor.
struct OptimizerWriter {
    private let builder: GraphBuilder
    private let options: OptimizerOptions
    /// What the gradients were multiplied by.
    private let lossScale: Tensor?
    private let rate: Tensor
    /// 1 - beta1^t and 1 - beta2^t.
    private let corrections: [Tensor]
    /// The key of the random bits with which moments are rounded.
    private let rounding: Tensor?
    /// The share of the new weights in their average.
    private let averageWeight: Tensor?

    init(_ builder: GraphBuilder, _ options: OptimizerOptions, lossScale: Tensor?) {
        self.builder = builder
        self.options = options
        self.lossScale = lossScale
        rate = builder.input(TrainingNames.learningRate, .f32, [])
        corrections = TrainingNames.corrections.map { builder.input($0, .f32, []) }
        rounding =
            options.states == .f32 ? nil : builder.input(TrainingNames.roundingGenerator, .i64, [2])
        averageWeight = options.averageDecay.map { _ in
            builder.input(TrainingNames.averageWeight, .f32, [])
        }
    }

    /// A parameter that the optimiser knows of.
    struct Trained {
        let name: String
        /// The parameter and its gradient; `nil` for one that another process updates.
        let tensors: (parameter: Tensor, gradient: Tensor)?
    }

    func write(_ trained: [Trained]) {
        let clippedOnes = trained.filter { options.treatment(of: $0.name).isClipped }
        var norm = globalNorm(clippedOnes)
        if let lossScale { norm = norm / lossScale }
        let unclipped = lossScale.map { 1 / $0 } ?? builder.scalar(1)
        let clipped = options.maxGradientNorm.map { clipFactor(norm, maxNorm: $0) * unclipped } ?? unclipped
        for (index, trained) in trained.enumerated() {
            guard let (parameter, gradient) = trained.tensors else { continue }
            let isClipped = options.treatment(of: trained.name).isClipped
            let target = Target(
                name: trained.name, parameter: parameter, gradient: gradient,
                stream: Self.firstStream + index)
            update(target, scale: isClipped ? clipped : unclipped)
        }
        builder.output(TrainingNames.gradientNorm, norm)
    }

    /// A parameter to update.
    private struct Target {
        let name: String
        let parameter: Tensor
        let gradient: Tensor
        /// The stream of random bits with which its moments are rounded.
        let stream: Int
    }

    /// The streams of all rounding, the same whether a graph has the whole step or the update alone: far from dropout's,
    /// which count from 0.
    private static let firstStream = 1 << 24

    /// p, its moments, and its average.
    private func update(_ target: Target, scale: Tensor) {
        let (name, p) = (target.name, target.parameter)
        // Two single numbers are not worth rounding.
        let element = p.shape.isEmpty ? .f32 : options.states.element
        let moments = TrainingNames.moments(of: name).map {
            builder.parameter($0, p.shape, role: .state, element: element)
        }
        let treatment = options.treatment(of: name)
        var attributes = options.adamW
        if !treatment.decays { attributes.weightDecay = 0 }
        builder.scope(name) {
            let operands =
                [p, target.gradient] + moments.map { element == .f32 ? $0 : $0.cast(.f32) }
            var factors = [treatment.rateScale].filter { $0 != 1 }.map { builder.scalar($0) }
            if options.optimizer == .lamb, attributes.weightDecay != 0 {
                factors.append(trustRatio(operands, attributes, scale))
            }
            let new = builder.applyAll(
                .adamW(attributes), operands + [factors.reduce(rate, *)] + corrections + [scale])
            builder.update(p, to: new[0])
            for (moment, value) in zip(moments, new.dropFirst()) {
                builder.update(moment, to: stored(value, of: target))
            }
            if let averageWeight {
                let average = builder.parameter(TrainingNames.average(of: name), p.shape, role: .state)
                builder.update(average, to: average + (new[0] - average) * averageWeight)
            }
        }
    }

    /// A moment as it is kept.
    private func stored(_ moment: Tensor, of target: Target) -> Tensor {
        guard let rounding, !moment.shape.isEmpty else { return moment }
        return builder.apply(.stochasticRound(stream: target.stream), [moment, rounding])
    }

    /// What LAMB multiplies the learning rate of a parameter by: ‖p‖ / ‖u‖ with AdamW's update
    /// u = (m' / correction1) / (√v' / √correction2 + ε) + weight_decay · p, or 1 where either norm is 0.
    ///
    /// p - rate · ratio · u is AdamW's step at the rate `rate · ratio`. The moments are computed twice, here and in
    /// the step; keeping them between the two would cost as much traffic and the memory of a copy.
    private func trustRatio(_ operands: [Tensor], _ attributes: AdamWAttributes, _ scale: Tensor) -> Tensor {
        let (p, gradient, m, v) = (operands[0], operands[1] * scale, operands[2], operands[3])
        let (beta1, beta2) = (attributes.beta1, attributes.beta2)
        let mean = m * beta1 + gradient * (1 - beta1)
        let square = v * beta2 + gradient * gradient * (1 - beta2)
        let root = square.sqrt() / corrections[1].sqrt() + attributes.epsilon
        let update = mean / root / corrections[0] + p * attributes.weightDecay
        let norms = [p, update].map { ($0 * $0).sum().sqrt() }
        let areBoth = builder.compare(.gt, norms[0] * norms[1], builder.scalar(0))
        return builder.select(areBoth, norms[0] / norms[1], builder.scalar(1))
    }

    /// √(Σ over gradients Σ g²), f32[].
    private func globalNorm(_ clipped: [Trained]) -> Tensor {
        let squares: [Tensor]
        if clipped.contains(where: { $0.tensors == nil }) {
            let all = builder.input(TrainingNames.gradientSquares, .f32, [.fixed(clipped.count)])
            squares = clipped.indices.map { all.slice(axis: 0, start: $0, size: 1).reshaped([]) }
        } else {
            squares = clipped.compactMap { $0.tensors.map { Self.square(of: $0.gradient) } }
        }
        guard let first = squares.first else { return builder.scalar(0) }
        return squares.dropFirst().reduce(first, +).sqrt()
    }

    /// Σ g², f32[].
    static func square(of gradient: Tensor) -> Tensor { (gradient * gradient).sum() }

    /// min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ scales gradients.
    private func clipFactor(_ norm: Tensor, maxNorm: Double) -> Tensor {
        builder.binary(.min, builder.scalar(1), maxNorm / (norm + 1e-6))
    }
}
