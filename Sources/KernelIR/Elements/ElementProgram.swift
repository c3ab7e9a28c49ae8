import GraphIR

/// Writes an element program step by step: each method appends what it says (or finds it, when it is there already)
/// and returns it.
public struct ElementProgram {
    package private(set) var ops: [ElementOp] = []
    private var places: [ElementOp: ElementID] = [:]

    package init() {}

    package mutating func add(_ op: ElementOp) -> ElementID {
        if let known = places[op] { return known }
        places[op] = ops.count
        ops.append(op)
        return ops.count - 1
    }

    package mutating func load(_ access: Access) -> ElementID { add(.load(access)) }
    /// The same number for every element.
    public mutating func constant(_ value: Double, _ type: ElementType = .f32) -> ElementID {
        add(.constant(value, type))
    }
    /// A function of one number.
    public mutating func unary(_ function: ElementUnary, _ x: ElementID) -> ElementID {
        add(.unary(function, x))
    }
    /// A function of two numbers.
    public mutating func binary(_ function: BinaryFunction, _ a: ElementID, _ b: ElementID) -> ElementID {
        add(.binary(function, a, b))
    }
    /// `a + b`
    public mutating func adding(_ a: ElementID, _ b: ElementID) -> ElementID { binary(.add, a, b) }
    /// `a - b`
    public mutating func subtracting(_ a: ElementID, _ b: ElementID) -> ElementID { binary(.sub, a, b) }
    /// `a * b`
    public mutating func multiplying(_ a: ElementID, _ b: ElementID) -> ElementID { binary(.mul, a, b) }
    /// `a / b`
    public mutating func dividing(_ a: ElementID, _ b: ElementID) -> ElementID { binary(.div, a, b) }
    /// `a * factor`
    public mutating func scaling(_ a: ElementID, _ factor: Double) -> ElementID {
        multiplying(a, constant(factor))
    }
    /// Whether the comparison holds, as a `bool`.
    public mutating func compare(_ comparison: Comparison, _ a: ElementID, _ b: ElementID) -> ElementID {
        add(.compare(comparison, a, b))
    }
    /// `a` where `condition` holds, `b` elsewhere.
    public mutating func select(_ condition: ElementID, _ a: ElementID, _ b: ElementID) -> ElementID {
        add(.select(condition, a, b))
    }
    /// The same number in another element type.
    public mutating func cast(_ x: ElementID, _ type: ElementType) -> ElementID { add(.cast(x, type)) }
    package mutating func sum(_ x: ElementID) -> ElementID { add(.reduce(.sum, x)) }
    package mutating func max(_ x: ElementID) -> ElementID { add(.reduce(.max, x)) }

    private static let inverseRoot2 = 0.5.squareRoot()
    private static let tanhScale = (2 / Double.pi).squareRoot()
    private static let tanhCubic = 0.044715

    /// A unary function in terms of the generator's own functions. `isFloat` tells which zero to compare with.
    public mutating func apply(_ function: UnaryFunction, _ x: ElementID, _ type: ElementType) -> ElementID {
        switch function {
        case .neg: return unary(.neg, x)
        case .abs: return unary(.abs, x)
        case .sign: return unary(.sign, x)
        case .exp: return unary(.exp, x)
        case .log: return unary(.log, x)
        case .sqrt: return unary(.sqrt, x)
        case .rsqrt: return dividing(constant(1), unary(.sqrt, x))
        case .reciprocal: return dividing(constant(1), x)
        case .tanh: return unary(.tanh, x)
        case .erf: return unary(.erf, x)
        case .sin: return unary(.sin, x)
        case .cos: return unary(.cos, x)
        case .not: return unary(.not, x)
        case .relu: return binary(.max, x, constant(0, type.isFloat ? .f32 : type))
        case .sigmoid: return sigmoid(x)
        case .silu: return multiplying(x, sigmoid(x))
        case .gelu: return multiplying(x, normalCDF(x))
        case .stopGradient: return x
        case .geluTanh:
            // x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
            let half = scaling(x, 0.5)
            return adding(half, multiplying(half, unary(.tanh, tanhArgument(x))))
        }
    }

    /// f'(x) of a function that has a `unary_gradient`.
    package mutating func derivative(_ function: UnaryFunction, _ x: ElementID) -> ElementID? {
        switch function {
        case .relu:
            return select(compare(.gt, x, constant(0)), constant(1), constant(0))
        case .silu:
            // s (1 + x (1 - s))
            let s = sigmoid(x)
            let tail = multiplying(x, subtracting(constant(1), s))
            return multiplying(s, adding(constant(1), tail))
        case .gelu:
            // Φ(x) + x φ(x), φ(x) = exp(-x²/2) / √(2π)
            let density = scaling(
                unary(.exp, scaling(multiplying(x, x), -0.5)), 1 / (2 * Double.pi).squareRoot())
            return adding(normalCDF(x), multiplying(x, density))
        case .geluTanh:
            // (1 + t)/2 + x/2 (1 - t²) √(2/π) (1 + 3 · 0.044715 x²)
            let t = unary(.tanh, tanhArgument(x))
            let inner = adding(constant(1), scaling(multiplying(x, x), 3 * Self.tanhCubic))
            let slope = multiplying(
                subtracting(constant(1), multiplying(t, t)), scaling(inner, Self.tanhScale))
            let half = adding(constant(0.5), scaling(t, 0.5))
            return adding(half, multiplying(scaling(x, 0.5), slope))
        case .tanh:
            let t = unary(.tanh, x)
            return subtracting(constant(1), multiplying(t, t))
        case .sigmoid:
            let s = sigmoid(x)
            return multiplying(s, subtracting(constant(1), s))
        case .exp: return unary(.exp, x)
        case .log: return dividing(constant(1), x)
        case .erf:
            let gauss = unary(.exp, unary(.neg, multiplying(x, x)))
            return scaling(gauss, 2 / Double.pi.squareRoot())
        case .sin: return unary(.cos, x)
        case .cos: return unary(.neg, unary(.sin, x))
        case .sqrt: return dividing(constant(0.5), unary(.sqrt, x))
        case .rsqrt: return dividing(constant(-0.5), multiplying(x, unary(.sqrt, x)))
        case .reciprocal: return dividing(constant(-1), multiplying(x, x))
        case .neg: return constant(-1)
        case .abs: return unary(.sign, x)
        case .sign, .stopGradient: return constant(0)
        case .not: return nil
        }
    }

    private mutating func sigmoid(_ x: ElementID) -> ElementID {
        dividing(constant(1), adding(constant(1), unary(.exp, unary(.neg, x))))
    }

    /// Φ(x) = (1 + erf(x/√2)) / 2
    private mutating func normalCDF(_ x: ElementID) -> ElementID {
        adding(constant(0.5), scaling(unary(.erf, scaling(x, Self.inverseRoot2)), 0.5))
    }

    private mutating func tanhArgument(_ x: ElementID) -> ElementID {
        let cubic = adding(constant(1), scaling(multiplying(x, x), Self.tanhCubic))
        return multiplying(scaling(x, Self.tanhScale), cubic)
    }
}
