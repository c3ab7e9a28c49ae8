import GraphIR

/// Trigonometric and hyperbolic functions.
enum Trigonometry {
    static let rules: [String: OperatorRule] = [
        "Sin": float { $0.map(.sin) }, "Cos": float { $0.map(.cos) },
        "Tan": float { $0.map(.sin) / $0.map(.cos) },
        "Asin": float(arcsine), "Acos": float { Double.pi / 2 - arcsine($0) }, "Atan": float(arctangent),
        "Sinh": float { ($0.exp() - (-$0).exp()) * 0.5 }, "Cosh": float { ($0.exp() + (-$0).exp()) * 0.5 },
        "Asinh": float { x in
            // ln(|x| + √(x² + 1)) with the sign of x.
            x.sign() * (x.abs() + (x * x + 1).sqrt()).log()
        },
        "Acosh": float { ($0 + ($0 * $0 - 1).sqrt()).log() },
        "Atanh": float { ((1 + $0) / (1 - $0)).log() * 0.5 },
    ]

    private static func float(_ function: @escaping @Sendable (Tensor) -> Tensor) -> OperatorRule {
        { site in
            let x = try site.input(0)
            guard x.element.isFloat else { throw ONNXError.invalid("takes floats, got \(x.element.name)") }
            let own = x.tensor.type.element
            return [site.value(x.element, function(x.tensor.cast(.f32)).cast(own))]
        }
    }

    /// atan(x / √(1 - x²)).
    @Sendable private static func arcsine(_ x: Tensor) -> Tensor {
        arctangent(x / ((1 - x) * (1 + x)).sqrt())
    }

    /// atan(x) = 4 atan(t) with x turned twice to half its angle, t = x / (1 + √(1 + x²)), and the series of atan(t) for |t| ≤ 0.2.
    @Sendable static func arctangent(_ x: Tensor) -> Tensor {
        let size = x.abs()
        let isLarge = size.isGreater(1)
        // atan(x) = π/2 - atan(1/x) for x > 1.
        let small = x.builder.select(isLarge, size.map(.reciprocal), size)
        func half(_ x: Tensor) -> Tensor { x / (1 + (1 + x * x).sqrt()) }
        let t = half(half(small))
        let square = t * t
        var sum = t.filled(1.0 / 15)
        for odd in stride(from: 13, through: 1, by: -2) { sum = 1.0 / Double(odd) - square * sum }
        let angle = t * sum * 4
        return x.sign() * x.builder.select(isLarge, Double.pi / 2 - angle, angle)
    }
}
