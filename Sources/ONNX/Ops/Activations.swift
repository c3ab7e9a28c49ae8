import GraphIR

/// Activation functions, softmax among them.
enum Activations {
    static let rules: [String: OperatorRule] = [
        "Relu": unary { site, x in x.relu() },
        "LeakyRelu": unary { site, x in site.g.select(x.isLess(0), x * (try site.float("alpha", 0.01)), x) },
        "Elu": unary { site, x in site.g.select(x.isLess(0), (x.exp() - 1) * (try site.float("alpha", 1)), x)
        },
        "Selu": unary { site, x in
            let alpha = try site.float("alpha", 1.67326319217681884765625)
            let gamma = try site.float("gamma", 1.05070102214813232421875)
            return site.g.select(x.isGreater(0), x * gamma, (x.exp() - 1) * (alpha * gamma))
        },
        "Celu": unary { site, x in
            let alpha = try site.float("alpha", 1)
            return site.g.select(x.isLess(0), ((x / alpha).exp() - 1) * alpha, x)
        },
        "ThresholdedRelu": unary { site, x in
            site.g.select(x.isGreater(try site.float("alpha", 1)), x, x.filled(0))
        },
        "HardSigmoid": unary { site, x in
            clamped(x * (try site.float("alpha", 0.2)) + (try site.float("beta", 0.5)))
        },
        "HardSwish": unary { site, x in x * clamped(x / 6 + 0.5) },
        "Sigmoid": unary { site, x in x.sigmoid() }, "Tanh": unary { site, x in x.tanh() },
        "Softplus": unary { site, x in softplus(x) }, "Softsign": unary { site, x in x / (1 + x.abs()) },
        "Mish": unary { site, x in x * softplus(x).tanh() },
        "Swish": unary { site, x in
            let alpha = try site.float("alpha", 1)
            return alpha == 1 ? x.silu() : x * (x * alpha).sigmoid()
        },
        "Gelu": unary { site, x in
            try site.choice("approximate", ["none", "tanh"]) == "tanh" ? x.map(.geluTanh) : x.gelu()
        },
        "Shrink": unary { site, x in
            let (bias, lambda) = (try site.float("bias", 0), try site.float("lambd", 0.5))
            return site.g.select(
                x.isLess(-lambda), x + bias, site.g.select(x.isGreater(lambda), x - bias, x.filled(0)))
        },
        "PRelu": { site in
            let (x, slope) = (try site.input(0), try site.input(1))
            return [
                site.wrapped(x.element, site.g.select(x.tensor.isLess(0), x.tensor * slope.tensor, x.tensor))
            ]
        },
        "Softmax": rows { $0.softmax() },
        "LogSoftmax": rows { x in
            let shifted = x - x.max(axes: [x.shape.count - 1], keepDimensions: true)
            return shifted - shifted.exp().sum(axes: [x.shape.count - 1], keepDimensions: true).log()
        },
        "Hardmax": rows { x in
            let last = x.shape.count - 1
            let isMax = x.builder.compare(.eq, x, x.max(axes: [last], keepDimensions: true))
            let places = x.builder.iota(.i32, x.shape, axis: last)
            let first = x.builder.select(isMax, places, places.filled(Double(Int32.max))).min(
                axes: [last], keepDimensions: true)
            return x.builder.compare(.eq, places, first).cast(x.type.element)
        },
    ]

    private static func unary(_ function: @escaping @Sendable (NodeSite, Tensor) throws -> Tensor)
        -> OperatorRule
    {
        { site in
            let x = try site.input(0)
            return [site.wrapped(x.element, try function(site, x.tensor))]
        }
    }

    private static func clamped(_ x: Tensor) -> Tensor {
        x.builder.binary(.min, x.builder.binary(.max, x, x.number(0)), x.number(1))
    }

    /// ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|).
    static func softplus(_ x: Tensor) -> Tensor { x.relu() + (1 + (-x.abs()).exp()).log() }

    /// A function of rows along the attribute `axis`. Before operator set 13 all axes from `axis` on made one row.
    private static func rows(_ function: @escaping @Sendable (Tensor) -> Tensor) -> OperatorRule {
        { site in
            let x = try site.input(0)
            let axis = try site.axis(try site.int("axis", site.opset < 13 ? 1 : -1), of: x.rank)
            if site.opset < 13, axis != x.rank - 1 {
                let width = try site.fixed(Array(x.shape[axis...]), "the axes from \(axis) on").reduce(1, *)
                let flat = x.tensor.reshaped(Array(x.shape[..<axis]) + [.fixed(width)])
                return [site.value(x.element, function(flat).reshaped(x.shape))]
            }
            let (moved, back) = x.tensor.movingToEnd(axis)
            return [site.value(x.element, function(moved).movedBack(back))]
        }
    }
}
