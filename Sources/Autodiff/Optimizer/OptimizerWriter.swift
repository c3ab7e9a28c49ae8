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
    /// The share of the new weights in their average.
    private let averageWeight: Tensor?

    init(_ builder: GraphBuilder, _ options: OptimizerOptions, lossScale: Tensor?) {
        self.builder = builder
        self.options = options
        self.lossScale = lossScale
        rate = builder.input(TrainingNames.learningRate, .f32, [])
        corrections = TrainingNames.corrections.map { builder.input($0, .f32, []) }
        averageWeight = options.averageDecay.map { _ in
            builder.input(TrainingNames.averageWeight, .f32, [])
        }
    }

    func write(_ trained: [(name: String, parameter: Tensor, gradient: Tensor)]) {
        var norm = globalNorm(trained.filter { options.treatment(of: $0.name).isClipped }.map(\.gradient))
        if let lossScale { norm = norm / lossScale }
        let unclipped = lossScale.map { 1 / $0 } ?? builder.scalar(1)
        let clipped = options.maxGradientNorm.map { clipFactor(norm, maxNorm: $0) * unclipped } ?? unclipped
        for (name, parameter, gradient) in trained {
            let isClipped = options.treatment(of: name).isClipped
            update(name, parameter, gradient, isClipped ? clipped : unclipped)
        }
        builder.output(TrainingNames.gradientNorm, norm)
    }

    /// p, its moments, and its average.
    private func update(_ name: String, _ p: Tensor, _ gradient: Tensor, _ scale: Tensor) {
        let moments = TrainingNames.moments(of: name).map { builder.parameter($0, p.shape, role: .state) }
        let treatment = options.treatment(of: name)
        var attributes = options.adamW
        if !treatment.decays { attributes.weightDecay = 0 }
        let operands = [p, gradient] + moments
        builder.scope(name) {
            var factors = [treatment.rateScale].filter { $0 != 1 }.map { builder.scalar($0) }
            if options.optimizer == .lamb, attributes.weightDecay != 0 {
                factors.append(trustRatio(operands, attributes, scale))
            }
            let new = builder.applyAll(
                .adamW(attributes), operands + [factors.reduce(rate, *)] + corrections + [scale])
            for (target, value) in zip([p] + moments, new) { builder.update(target, to: value) }
            if let averageWeight {
                let average = builder.parameter(TrainingNames.average(of: name), p.shape, role: .state)
                builder.update(average, to: average + (new[0] - average) * averageWeight)
            }
        }
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
    private func globalNorm(_ gradients: [Tensor]) -> Tensor {
        let squares = gradients.map { ($0 * $0).sum() }
        guard let first = squares.first else { return builder.scalar(0) }
        return squares.dropFirst().reduce(first, +).sqrt()
    }

    /// min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ scales gradients.
    private func clipFactor(_ norm: Tensor, maxNorm: Double) -> Tensor {
        builder.binary(.min, builder.scalar(1), maxNorm / (norm + 1e-6))
    }
}
