import GraphIR

/// A PyTorch activation with its default arguments, under the name of its class in `torch.nn`.
package enum DenseActivation: String, Sendable, CaseIterable {
    case identity = "Identity"
    case tanh = "Tanh"
    case relu = "ReLU"
    case gelu = "GELU"
    case sigmoid = "Sigmoid"
    case silu = "SiLU"
    case mish = "Mish"
    case relu6 = "ReLU6"
    case leakyRelu = "LeakyReLU"
    case elu = "ELU"
    case celu = "CELU"
    case selu = "SELU"
    case softplus = "Softplus"
    case softsign = "Softsign"
    case logSigmoid = "LogSigmoid"
    case tanhshrink = "Tanhshrink"
    case softshrink = "Softshrink"
    case hardshrink = "Hardshrink"
    case hardtanh = "Hardtanh"
    case hardsigmoid = "Hardsigmoid"
    case hardswish = "Hardswish"

    func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .identity: EncoderActivation.linear(x)
        case .tanh: EncoderActivation.tanh(x)
        case .relu: EncoderActivation.relu(x)
        case .gelu: EncoderActivation.gelu(x)
        case .sigmoid: EncoderActivation.sigmoid(x)
        case .silu: EncoderActivation.silu(x)
        case .mish: EncoderActivation.mish(x)
        case .relu6: EncoderActivation.relu6(x)
        case .leakyRelu: EncoderActivation.leakyRelu(x)
        case .hardswish: EncoderActivation.hardSwish(x)
        case .elu, .celu: x.relu() + x.clamped(nil, 0).exponentialMinusOne()
        case .selu:
            (x.relu() + x.clamped(nil, 0).exponentialMinusOne() * 1.6732632423543772848170429916717)
                * 1.0507009873554804934193349852946
        case .softplus: x.softplus()
        case .softsign: x / (1 + x.abs())
        case .logSigmoid: -(-x).softplus()
        case .tanhshrink: x - x.tanh()
        case .softshrink: x - x.clamped(-0.5, 0.5)
        case .hardshrink:
            x.builder.select(
                x.builder.compare(.gt, x.abs(), x.builder.scalar(0.5)), x, x.builder.zeros(like: x))
        case .hardtanh: x.clamped(-1, 1)
        case .hardsigmoid: (x + 3).clamped(0, 6) / 6
        }
    }
}

extension Tensor {
    /// exp(x) - 1 = 2 tanh(x/2) / (1 - tanh(x/2)), which keeps its digits at small x.
    fileprivate func exponentialMinusOne() -> Tensor {
        let half = (self * 0.5).tanh()
        return 2 * half / (1 - half)
    }
}
