import GraphCompiler

/// A PyTorch activation with its default arguments, under the name of its class in `torch.nn`.
public enum DenseActivation: String, Sendable, CaseIterable {
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
        case .identity: BertActivation.linear(x)
        case .tanh: BertActivation.tanh(x)
        case .relu: BertActivation.relu(x)
        case .gelu: BertActivation.gelu(x)
        case .sigmoid: BertActivation.sigmoid(x)
        case .silu: BertActivation.silu(x)
        case .mish: BertActivation.mish(x)
        case .relu6: BertActivation.relu6(x)
        case .leakyRelu: BertActivation.leakyRelu(x)
        case .hardswish: BertActivation.hardSwish(x)
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
