import GraphIR

extension Evaluation {
    func optimizerStep(_ op: Op.OptimizerStep) -> [[Double]] {
        switch op {
        case .adamW(let attributes): adamW(attributes)
        }
    }

    /// Results (p', m', v').
    private func adamW(_ attributes: AdamWAttributes) -> [[Double]] {
        let x = AdamWOperands(operands.map(\.values))
        let (lr, scale) = (x.rate[0], x.gradientScale[0])
        let (correction1, correction2) = (x.correction1[0], x.correction2[0])
        var (p, m, v) = (x.parameter, x.mean, x.square)
        for (index, gradient) in x.gradient.enumerated() {
            let g = gradient * scale
            m[index] = attributes.beta1 * m[index] + (1 - attributes.beta1) * g
            v[index] = attributes.beta2 * v[index] + (1 - attributes.beta2) * g * g
            let denominator = v[index].squareRoot() / correction2.squareRoot() + attributes.epsilon
            p[index] *= 1 - lr * attributes.weightDecay
            p[index] -= lr / correction1 * m[index] / denominator
        }
        return [p, m, v]
    }
}
