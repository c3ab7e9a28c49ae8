// adamw   Adam with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101), arithmetic as torch.optim.AdamW:
//           g' = g gradient_scale
//           m' = beta1 m + (1 - beta1) g'
//           v' = beta2 v + (1 - beta2) g'²
//           p' = p (1 - lr weight_decay) - lr / correction1 · m' / (√v' / √correction2 + epsilon)
//         operands (p, g, m, v, lr, correction1, correction2, gradient_scale), the last four f32 scalars with
//         correction_i = 1 - beta_i^t at step t = 1, 2, …; results (p', m', v')

public struct AdamWAttributes: Hashable, Sendable {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double

    public init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }
}

extension Op {
    func optimizerTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        try expect(operands, 8...8)
        let p = operands[0]
        guard p.element == .f32, operands[1...3].allSatisfy({ $0 == p }) else {
            throw .type("parameter, gradient and moments differ: \(operands[0...3].map(\.description))")
        }
        guard operands[4...7].allSatisfy({ $0 == TensorType(.f32, []) }) else {
            throw .type("lr, corrections and scale must be f32[]")
        }
        return [p, p, p]
    }
}
