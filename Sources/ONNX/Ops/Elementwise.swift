import GraphIR

/// Arithmetic, comparisons and logic, element by element.
enum Elementwise {
    static let rules: [String: OperatorRule] = [
        "Abs": unary { $0.abs() }, "Neg": unary { -$0 }, "Sign": unary { $0.sign() },
        "Exp": float { $0.exp() }, "Log": float { $0.log() }, "Sqrt": float { $0.sqrt() },
        "Reciprocal": float { $0.map(.reciprocal) }, "Erf": float { $0.erf() },
        "Floor": float { $0.floored() }, "Ceil": float { $0.ceiled() }, "Round": float { $0.roundedToEven() },
        "Add": binary(.add), "Sub": binary(.sub), "Mul": binary(.mul), "Div": binary(.div),
        "Pow": pow, "Mod": mod,
        "Sum": variadic { $0 + $1 }, "Mean": mean,
        "Max": variadic { $0.builder.binary(.max, $0, $1) },
        "Min": variadic { $0.builder.binary(.min, $0, $1) },
        "Equal": compare(.eq), "Less": compare(.lt), "Greater": compare(.gt), "LessOrEqual": compare(.le),
        "GreaterOrEqual": compare(.ge),
        "And": logic(.and), "Or": logic(.or), "Xor": xor, "Not": not,
        "Where": choose, "Clip": clip, "IsNaN": isNaN, "IsInf": isInf,
        "BitShift": shift, "BitwiseNot": bitwiseNot,
        "BitwiseAnd": bitwise { $0 * $1 }, "BitwiseOr": bitwise { $0 + $1 - $0 * $1 },
        "BitwiseXor": bitwise { $0 + $1 - $0 * $1 * 2 },
    ]

    private static func unary(_ function: @escaping @Sendable (Tensor) -> Tensor) -> OperatorRule {
        { site in [site.wrapped(try site.input(0).element, function(try site.tensor(0)))] }
    }

    private static func float(_ function: @escaping @Sendable (Tensor) -> Tensor) -> OperatorRule {
        { site in
            let x = try site.input(0)
            guard x.element.isFloat else { throw ONNXError.invalid("takes floats, got \(x.element.name)") }
            return [site.value(x.element, function(x.tensor))]
        }
    }

    private static func pair(_ site: NodeSite) throws -> (ImportedValue, ImportedValue) {
        let (a, b) = (try site.input(0), try site.input(1))
        guard a.element == b.element else {
            throw ONNXError.invalid(
                "takes two operands of one type, got \(a.element.name) and \(b.element.name)")
        }
        return (a, b)
    }

    private static func binary(_ function: BinaryFunction) -> OperatorRule {
        { site in
            let (a, b) = try pair(site)
            if a.element == .bool { throw ONNXError.invalid("takes numbers, got bool") }
            return [site.wrapped(a.element, site.g.binary(function, a.tensor, b.tensor))]
        }
    }

    private static func variadic(_ function: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> OperatorRule {
        { site in
            let all = try site.all()
            let sum = all.dropFirst().reduce(all[0].tensor) { function($0, $1.tensor) }
            return [site.wrapped(all[0].element, sum)]
        }
    }

    private static let mean: OperatorRule = { site in
        let all = try site.all()
        let sum = all.dropFirst().reduce(all[0].tensor) { $0 + $1.tensor }
        return [site.value(all[0].element, sum / Double(all.count))]
    }

    private static let pow: OperatorRule = { site in
        let (x, y) = (try site.input(0), try site.input(1))
        let base = x.tensor
        if x.element.isFloat, let numbers = y.known?.numbers, numbers.count == 1,
            y.shape.count <= x.shape.count
        {
            switch numbers[0] {
            case 1: return [x]
            case 2: return [site.value(x.element, base * base)]
            case 3: return [site.value(x.element, base * base * base)]
            case 0.5: return [site.value(x.element, base.sqrt())]
            default: break
            }
        }
        if x.element.isInteger, y.element.isFloat {
            let result = site.g.binary(.pow, base.cast(.f32), y.tensor.cast(.f32))
            return [site.wrapped(x.element, result.cast(base.type.element))]
        }
        return [site.wrapped(x.element, site.g.binary(.pow, base, y.tensor.cast(base.type.element)))]
    }

    private static let mod: OperatorRule = { site in
        let (a, b) = try pair(site)
        let (x, y) = (a.tensor, b.tensor)
        if a.element.isInteger {
            // C's remainder has the sign of the dividend, Python's that of the divisor.
            return [site.wrapped(a.element, try site.flag("fmod") ? x - x / y * y : site.g.remainder(x, y))]
        }
        let rest = x - (x / y).truncated() * y
        if try site.flag("fmod") { return [site.value(a.element, rest)] }
        // Of an infinite divisor all is left, or the divisor where the signs differ.
        let g = site.g
        let differs = g.compare(.eq, x.sign() * y.sign(), x.number(-1))
        let isFinite = g.compare(.lt, x.abs(), x.number(.infinity))
        let whole = g.binary(.and, g.compare(.eq, y.abs(), y.number(.infinity)), isFinite)
        return [site.value(a.element, g.select(whole, g.select(differs, y, x), x - (x / y).floored() * y))]
    }

    private static func compare(_ comparison: Comparison) -> OperatorRule {
        { site in
            let (a, b) = try pair(site)
            let isBool = a.element == .bool
            let (x, y) = isBool ? (a.tensor.cast(.i32), b.tensor.cast(.i32)) : (a.tensor, b.tensor)
            return [site.value(.bool, site.g.compare(comparison, x, y))]
        }
    }

    private static func logic(_ function: BinaryFunction) -> OperatorRule {
        { site in
            let (a, b) = try pair(site)
            return [site.value(.bool, site.g.binary(function, a.tensor, b.tensor))]
        }
    }

    private static let xor: OperatorRule = { site in
        let (a, b) = try pair(site)
        return [site.value(.bool, site.g.compare(.ne, a.tensor.cast(.i32), b.tensor.cast(.i32)))]
    }

    private static let not: OperatorRule = { site in
        [site.value(.bool, try site.tensor(0).map(.not))]
    }

    private static let choose: OperatorRule = { site in
        let (a, b) = (try site.input(1), try site.input(2))
        guard a.element == b.element else {
            throw ONNXError.invalid("chooses between \(a.element.name) and \(b.element.name)")
        }
        return [site.value(a.element, site.g.select(try site.tensor(0), a.tensor, b.tensor))]
    }

    private static let clip: OperatorRule = { site in
        let x = try site.input(0)
        var result = x.tensor
        if site.opset < 11 {
            if let low = try site.float("min") { result = site.g.binary(.max, result, result.number(low)) }
            if let high = try site.float("max") { result = site.g.binary(.min, result, result.number(high)) }
        } else {
            if let low = site.optional(1) { result = site.g.binary(.max, result, low.tensor) }
            if let high = site.optional(2) { result = site.g.binary(.min, result, high.tensor) }
        }
        return [site.value(x.element, result)]
    }

    private static let isNaN: OperatorRule = { site in
        let x = try site.tensor(0)
        return [site.value(.bool, site.g.compare(.ne, x, x))]
    }

    private static let isInf: OperatorRule = { site in
        let x = try site.tensor(0)
        let above = site.g.compare(.eq, x, x.number(.infinity))
        let below = site.g.compare(.eq, x, x.number(-.infinity))
        switch (try site.flag("detect_negative", true), try site.flag("detect_positive", true)) {
        case (true, true): return [site.value(.bool, site.g.binary(.or, above, below))]
        case (true, false): return [site.value(.bool, below)]
        case (false, true): return [site.value(.bool, above)]
        case (false, false): return [site.value(.bool, site.g.constant(0, TensorType(.bool, x.shape)))]
        }
    }

    // MARK: Bits

    private static let shift: OperatorRule = { site in
        let (a, b) = try pair(site)
        guard let range = a.element.integerRange else {
            throw ONNXError.invalid("shifts integers, got \(a.element.name)")
        }
        let isSigned = range.lowerBound < 0 && a.element != .uint64
        let width = a.element.bitCount ?? 64
        let (x, count) = (a.tensor, b.tensor)
        // A negative count moves out all bits too.
        let isAll = site.g.binary(
            .or, site.g.compare(.ge, count, count.number(Double(width))), count.isLess(0))
        let factor = site.g.binary(.pow, count.filled(2), count)
        let isLeft = try site.choice("direction", ["LEFT", "RIGHT"]) == "LEFT"
        let moved = isLeft ? x * factor : isSigned ? (x - site.g.remainder(x, factor)) / factor : x / factor
        let gone = isSigned && !isLeft ? site.g.select(x.isLess(0), x.filled(-1), x.filled(0)) : x.filled(0)
        return [site.wrapped(a.element, site.g.select(isAll, gone, moved))]
    }

    private static let bitwiseNot: OperatorRule = { site in
        let x = try site.input(0)
        return [site.wrapped(x.element, -1 - x.tensor)]
    }

    /// A function of two bits, 0 or 1 each, for all bits of two integers.
    private static func bitwise(_ function: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> OperatorRule {
        { site in
            let (a, b) = try pair(site)
            guard a.element.isInteger, let width = a.element.bitCount else {
                throw ONNXError.invalid("takes integers, got \(a.element.name)")
            }
            let g = site.g
            let carrierWidth = a.tensor.type.element == .i64 ? 64 : 32
            var (x, y) = (a.tensor, b.tensor)
            var result: Tensor?
            let two = x.number(2)
            for bit in 0..<width {
                let bits = function(g.remainder(x, two), g.remainder(y, two))
                // The highest bit of the carrier is its sign.
                let weight = bit == carrierWidth - 1 ? -power(bit) : power(bit)
                let part = bits * weight
                result = result.map { $0 + part } ?? part
                (x, y) = ((x - g.remainder(x, two)) / two, (y - g.remainder(y, two)) / two)
            }
            return [site.wrapped(a.element, result ?? x)]
        }
    }
}
