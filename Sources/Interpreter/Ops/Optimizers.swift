import GraphIR

extension Evaluation {
    /// Results (p', m', v'); operands (p, g, m, v, lr, correction1, correction2, gradient_scale).
    func adamW(_ attributes: AdamWAttributes) -> [[Double]] {
        let scalars = operands[4...].map { $0.values[0] }
        let (lr, correction1, correction2, scale) = (scalars[0], scalars[1], scalars[2], scalars[3])
        var (p, m, v) = (operands[0].values, operands[2].values, operands[3].values)
        for (index, gradient) in operands[1].values.enumerated() {
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
