// adamw   Adam with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101), arithmetic as torch.optim.AdamW:
//           g' = g gradient_scale
//           m' = beta1 m + (1 - beta1) g'
//           v' = beta2 v + (1 - beta2) g'²
//           p' = p (1 - lr weight_decay) - lr / correction1 · m' / (√v' / √correction2 + epsilon)
//         operands (p, g, m, v, lr, correction1, correction2, gradient_scale), the last four f32 scalars with
//         correction_i = 1 - beta_i^t at step t = 1, 2, …; results (p', m', v')

extension Op {
    /// A parameter's new value by an optimiser's rule.
    public enum OptimizerStep: Hashable, Sendable {
        /// A parameter's new value and moments by AdamW.
        case adamW(AdamWAttributes)
    }

    /// AdamW's step (Loshchilov and Hutter, arXiv:1711.05101), which `trainingStep` appends for each parameter.
    public static func adamW(_ attributes: AdamWAttributes) -> Op { .optimizer(.adamW(attributes)) }
}

/// The constants of AdamW.
public struct AdamWAttributes: Hashable, Sendable {
    /// Decay of the gradient's moving average, in [0, 1).
    public var beta1: Double
    /// Decay of the squared gradient's moving average, in [0, 1).
    public var beta2: Double
    /// Added to the square root of the second moment.
    public var epsilon: Double
    /// Share of the weight that is taken off in each step, times the learning rate.
    public var weightDecay: Double

    /// The usual numbers: betas 0.9 and 0.999, epsilon 1e-8, weight decay 0.01.
    public init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }
}

/// The operands of `adamw` by name: values, types or tensors, whatever the list of them holds.
package struct AdamWOperands<Element> {
    package var parameter, gradient, mean, square: Element
    package var rate, correction1, correction2, gradientScale: Element

    package init(
        parameter: Element, gradient: Element, mean: Element, square: Element, rate: Element,
        correction1: Element, correction2: Element, gradientScale: Element
    ) {
        (self.parameter, self.gradient, self.mean, self.square) = (parameter, gradient, mean, square)
        (self.rate, self.correction1, self.correction2) = (rate, correction1, correction2)
        self.gradientScale = gradientScale
    }

    /// - Precondition: there are eight.
    package init(_ operands: [Element]) {
        (parameter, gradient, mean, square) = (operands[0], operands[1], operands[2], operands[3])
        (rate, correction1, correction2) = (operands[4], operands[5], operands[6])
        gradientScale = operands[7]
    }

    /// In the op's order.
    package var list: [Element] {
        [parameter, gradient, mean, square, rate, correction1, correction2, gradientScale]
    }
}

extension Op.OptimizerStep: OpFamily {
    private enum Row {
        static let adamW = Spelling(
            "adamw", .float("beta1"), .float("beta2"), .float("epsilon"), .float("weight_decay")
        ) { .adamW(AdamWAttributes(beta1: $0, beta2: $1, epsilon: $2, weightDecay: $3)) }
    }

    static let spellings: [any OpSpelling] = [Row.adamW]

    var text: OpText {
        switch self {
        case .adamW(let a): Row.adamW(a.beta1, a.beta2, a.epsilon, a.weightDecay)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .adamW(let a):
            try expect(operands, 8...8)
            guard (0..<1).contains(a.beta1), (0..<1).contains(a.beta2) else {
                throw .type("betas \(a.beta1) and \(a.beta2) must be in [0, 1)")
            }
            guard a.epsilon >= 0, a.weightDecay >= 0 else {
                throw .type(
                    "epsilon \(a.epsilon) and weight decay \(a.weightDecay) must be numbers of at least 0")
            }
            let x = AdamWOperands(operands)
            let p = x.parameter
            guard p.element == .f32, [x.gradient, x.mean, x.square].allSatisfy({ $0 == p }) else {
                throw .type("parameter, gradient and moments differ: \(operands[0...3].map(\.description))")
            }
            let scalars = [x.rate, x.correction1, x.correction2, x.gradientScale]
            guard scalars.allSatisfy({ $0 == TensorType(.f32, []) }) else {
                throw .type("lr, corrections and scale must be f32[]")
            }
            return [p, p, p]
        }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] { throw noGradient() }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        Iteration(.map, over: results)
    }

    var traits: OpTraits {
        switch self {
        case .adamW:
            OpTraits(
                results: 3, merges: true, folding: .never, isElementWise: true, byAddress: 0..<0,
                lowPrecision: 0..<0, integers: [], work: .elements(10), word: nil, dropoutStream: nil)
        }
    }
}
