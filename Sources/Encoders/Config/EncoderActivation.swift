import GraphIR

/// The activation of the feed-forward layers, under its name in Transformers' `ACT2FN`.
public enum EncoderActivation: String, Sendable, CaseIterable {
    /// `x · Φ(x)` with the exact error function.
    case gelu
    /// GELU in its tanh approximation.
    case geluNew = "gelu_new"
    /// `gelu`, between -10 and 10.
    case clippedGelu = "gelu_10"
    /// `x · sigmoid(1.702 x)`.
    case quickGelu = "quick_gelu"
    /// `max(x, 0)`.
    case relu
    /// `max(x, 0)²`.
    case squaredRelu = "relu2"
    /// `min(max(x, 0), 6)`.
    case relu6
    /// `x` where it is positive, `x / 100` elsewhere.
    case leakyRelu = "leaky_relu"
    /// `x · sigmoid(x)`, also called swish.
    case silu
    /// `x · relu6(x + 3) / 6`.
    case hardSwish = "hardswish"
    /// `x · tanh(softplus(x))`.
    case mish
    /// The hyperbolic tangent.
    case tanh
    /// `1 / (1 + e⁻ˣ)`.
    case sigmoid
    /// The distribution function of the normal distribution with mean 0.707107 and deviation 0.282095
    /// (Ma et al., arXiv:2209.10655).
    case laplace
    /// `√softplus(x)`.
    case sqrtSoftplus = "sqrtsoftplus"
    /// `x`.
    case linear

    /// Other names that Transformers has for the same functions.
    package static let aliases: [String: EncoderActivation] = [
        "swish": .silu, "gelu_python": .gelu, "gelu_pytorch_tanh": .geluNew, "gelu_python_tanh": .geluNew,
        "gelu_fast": .geluNew, "gelu_accurate": .geluNew,
    ]

    package func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .gelu: x.gelu()
        case .geluNew: x.map(.geluTanh)
        case .clippedGelu: x.gelu().clamped(-10, 10)
        case .quickGelu: x * (x * 1.702).sigmoid()
        case .relu: x.relu()
        case .squaredRelu: x.relu() * x.relu()
        case .relu6: x.clamped(0, 6)
        case .leakyRelu: x.relu() + x.clamped(nil, 0) * 0.01
        case .silu: x.silu()
        case .hardSwish: x * (x + 3).clamped(0, 6) / 6
        case .mish: x * x.softplus().tanh()
        case .tanh: x.tanh()
        case .sigmoid: x.sigmoid()
        case .laplace: 0.5 * (1 + ((x - 0.707107) / (0.282095 * 2.0.squareRoot())).erf())
        case .sqrtSoftplus: x.softplus().sqrt()
        case .linear: x
        }
    }
}

extension Tensor {
    /// Each element within bounds, where these are given.
    func clamped(_ low: Double?, _ high: Double?) -> Tensor {
        let raised = low.map { builder.binary(.max, self, builder.scalar($0)) } ?? self
        return high.map { builder.binary(.min, raised, builder.scalar($0)) } ?? raised
    }

    /// log(1 + exp(x)), without overflow.
    func softplus() -> Tensor { relu() + (1 + (-abs()).exp()).log() }
}
