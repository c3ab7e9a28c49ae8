// Element-wise ops. Operands broadcast as in NumPy: shapes are aligned at the right, and an extent of 1 (or a
// missing axis) repeats.
//
// unary           y = f(x)
// unary_gradient  dx = dy * f'(x), operands (dy, x): one op, so that a backward pass reads x once
// binary          y = f(a, b)
// compare         bool
// select          condition ? a : b
// cast            to another element type; floats to integers truncate toward zero

/// Functions of one element. `gelu` is exact: `x/2 (1 + erf(x/√2))`; `geluTanh` is HF's `gelu_new`
/// (Hendrycks & Gimpel, arXiv:1606.08415, section 2).
public enum UnaryFunction: String, Hashable, Sendable, CaseIterable {
    /// -x, |x|, the sign, eˣ, ln x, √x, 1/√x, 1/x, tanh x, 1/(1 + e⁻ˣ), the error function, max(x, 0), x Φ(x).
    case neg, abs, sign, exp, log, sqrt, rsqrt, reciprocal, tanh, sigmoid, erf, relu, gelu
    /// The sine and the cosine of x; NaN where |x| is greater than 2²⁰, from where on an f32 says too little of an angle.
    case sin, cos
    /// GELU with tanh in the place of the error function (Hendrycks and Gimpel, arXiv:1606.08415).
    case geluTanh = "gelu_tanh"
    /// x · sigmoid(x).
    case silu
    /// x, with a gradient of 0: what it is applied to counts as a constant.
    case stopGradient = "stop_gradient"
    /// Logical negation of bool.
    case not
}

/// Functions of two elements; `and` and `or` take bool, the others numbers.
public enum BinaryFunction: String, Hashable, Sendable, CaseIterable {
    /// Sum, difference, product, quotient, larger and smaller one, power; of `bool` conjunction and disjunction.
    case add, sub, mul, div, max, min, pow, and, or
}

/// How two elements are compared.
public enum Comparison: String, Hashable, Sendable, CaseIterable {
    /// =, ≠, <, ≤, >, ≥.
    case eq, ne, lt, le, gt, ge
}

extension Op {
    /// Functions of the elements at one place of each operand.
    public enum Elementwise: Hashable, Sendable {
        /// A function of one operand.
        case unary(UnaryFunction)
        /// Its gradient: operands dy and x, result dy · f'(x).
        case unaryGradient(UnaryFunction)
        /// A function of two operands, which broadcast.
        case binary(BinaryFunction)
        /// A comparison of two operands, which broadcast; the result is `bool`.
        case compare(Comparison)
        /// The second operand where the first, `bool`, is true, and the third elsewhere.
        case select
        /// The same numbers in another element type.
        case cast(ElementType)
    }

    /// A function of one operand; see `Tensor.map`.
    public static func unary(_ function: UnaryFunction) -> Op { .elementwise(.unary(function)) }
    package static func unaryGradient(_ function: UnaryFunction) -> Op {
        .elementwise(.unaryGradient(function))
    }
    /// A function of two operands; see `GraphBuilder.binary`.
    public static func binary(_ function: BinaryFunction) -> Op { .elementwise(.binary(function)) }
    /// A comparison of two operands; see `GraphBuilder.compare`.
    public static func compare(_ comparison: Comparison) -> Op { .elementwise(.compare(comparison)) }
    /// A choice between two operands; see `GraphBuilder.select`.
    public static var select: Op { .elementwise(.select) }
    /// Conversion of elements, with rounding to nearest even; see `Tensor.cast`.
    public static func cast(_ element: ElementType) -> Op { .elementwise(.cast(element)) }
}

extension Op.Elementwise: OpFamily {
    private enum Row {
        static let unary = UnaryFunction.allCases.map { function in
            Spelling(function.rawValue) { .unary(function) }
        }
        static let unaryGradient = Spelling("unary_gradient", .choice("function")) { .unaryGradient($0) }
        static let binary = BinaryFunction.allCases.map { function in
            Spelling(function.rawValue) { .binary(function) }
        }
        static let compare = Spelling("compare", .choice("is")) { .compare($0) }
        static let select = Spelling("select") { .select }
        static let cast = Spelling("cast", .choice("to")) { .cast($0) }
    }

    static let spellings: [any OpSpelling] =
        Row.unary + Row.binary + [Row.unaryGradient, Row.compare, Row.select, Row.cast]

    var text: OpText {
        switch self {
        case .unary(let function): (function.rawValue, [])
        case .unaryGradient(let function): Row.unaryGradient(function)
        case .binary(let function): (function.rawValue, [])
        case .compare(let comparison): Row.compare(comparison)
        case .select: Row.select()
        case .cast(let element): Row.cast(element)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .unary(let function):
            try expect(operands, 1...1)
            try refuseQuantized(operands)
            guard (function == .not) == (operands[0].element == .bool) else {
                throw .type("can't take \(operands[0])")
            }
            let integerSafe: Set<UnaryFunction> = [.neg, .abs, .sign, .relu, .stopGradient, .not]
            guard operands[0].element.isFloat || integerSafe.contains(function) else {
                throw .type("needs a float operand, got \(operands[0])")
            }
            return [operands[0]]
        case .unaryGradient(let function):
            try expect(operands, 2...2)
            guard operands[0] == operands[1], operands[0].element.isFloat, function != .not else {
                throw .type("needs dy and x of one float type, got \(operands[0]) and \(operands[1])")
            }
            return [operands[0]]
        case .binary(let function):
            try expect(operands, 2...2)
            let element = operands[0].element
            try refuseQuantized(operands)
            guard element == operands[1].element, (element == .bool) == (function == .and || function == .or)
            else {
                throw .type("can't take \(operands[0]) and \(operands[1])")
            }
            return [TensorType(element, try broadcastShape(operands.map(\.shape)))]
        case .compare:
            try expect(operands, 2...2)
            guard operands[0].element == operands[1].element else {
                throw .type("compares one element type, got \(operands[0]) and \(operands[1])")
            }
            return [TensorType(.bool, try broadcastShape(operands.map(\.shape)))]
        case .select:
            try expect(operands, 3...3)
            guard operands[0].element == .bool, operands[1].element == operands[2].element else {
                throw .type(
                    "needs bool and two of one type, got \(operands.map(\.description).joined(separator: ", "))"
                )
            }
            return [TensorType(operands[1].element, try broadcastShape(operands.map(\.shape)))]
        case .cast(let element):
            try expect(operands, 1...1)
            guard element != .i8 else { throw .type("'quantize' makes i8; a cast would lose its scale") }
            return [TensorType(element, operands[0].shape)]
        }
    }

    /// Quantised numbers have a scale that arithmetic would have to know.
    private func refuseQuantized(_ operands: [TensorType]) throws(IRError) {
        guard operands.allSatisfy({ $0.element != .i8 }) else {
            throw .type("i8 is for products and 'dequantize'; it can't be computed with")
        }
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        let dy = rule.cotangent
        switch self {
        case .unary(let function):
            return [try unaryVJP(function, rule)]
        case .binary(let function):
            return try binaryVJP(function, rule)
        case .select:
            let zero = rule.builder.zeros(like: dy)
            let condition = rule.operands[0]
            return [
                nil,
                rule.builder.select(condition, dy, zero).summed(to: rule.operands[1].shape),
                rule.builder.select(condition, zero, dy).summed(to: rule.operands[2].shape),
            ]
        case .cast:
            let from = rule.operands[0].type.element
            return [from.isFloat ? dy.cast(from) : nil]
        case .compare:
            return [nil, nil]
        case .unaryGradient:
            throw noGradient()
        }
    }

    private func unaryVJP(_ function: UnaryFunction, _ rule: VJP) throws(IRError) -> Tensor? {
        let (x, y, dy) = (rule.operands[0], rule.results[0], rule.cotangent)
        switch function {
        case .neg: return -dy
        case .abs: return dy * x.sign()
        case .sign, .stopGradient, .not: return nil
        case .exp: return dy * y
        case .log: return dy / x
        case .sqrt: return dy * 0.5 / y
        case .rsqrt: return dy * -0.5 * y * y * y  // d x^(-1/2) = -1/2 x^(-3/2)
        case .reciprocal: return -(dy * y * y)
        case .tanh: return dy * (1 - y * y)
        case .sigmoid: return dy * y * (1 - y)
        case .sin: return dy * x.map(.cos)
        case .cos: return -(dy * x.map(.sin))
        case .erf: return dy * (2 / Double.pi.squareRoot()) * (-(x * x)).exp()
        case .relu, .gelu, .geluTanh, .silu:
            return rule.builder.apply(.unaryGradient(function), [dy, x])
        }
    }

    private func binaryVJP(_ function: BinaryFunction, _ rule: VJP) throws(IRError) -> [Tensor?] {
        let (a, b, dy, y) = (rule.operands[0], rule.operands[1], rule.cotangent, rule.results[0])
        let builder = rule.builder
        func left(_ gradient: @autoclosure () -> Tensor) -> Tensor? {
            rule.needed[0] ? gradient().summed(to: a.shape) : nil
        }
        func right(_ gradient: @autoclosure () -> Tensor) -> Tensor? {
            rule.needed[1] ? gradient().summed(to: b.shape) : nil
        }
        switch function {
        case .add: return [left(dy), right(dy)]
        case .sub: return [left(dy), right(-dy)]
        case .mul: return [left(dy * b), right(dy * a)]
        case .div: return [left(dy / b), right(-(dy * y / b))]
        case .max, .min:
            // The larger (smaller) operand takes the gradient; ties go to the left one.
            let first = builder.compare(function == .max ? .ge : .le, a, b)
            let zero = builder.zeros(like: dy)
            return [left(builder.select(first, dy, zero)), right(builder.select(first, zero, dy))]
        case .pow:
            return [left(dy * b * builder.binary(.pow, a, b - 1)), right(dy * y * a.log())]
        case .and, .or: return [nil, nil]
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        Iteration(.map, over: results)
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: true, folding: .elements, isElementWise: true, byAddress: 0..<0,
            lowPrecision: 0..<0, integers: [], work: .elements(operations), word: word, dropoutStream: nil)
    }

    /// Vector operations per element, about.
    private var operations: Int {
        switch self {
        case .unary(let function): function.operationCount
        case .unaryGradient(let function): function.operationCount + 6
        case .binary(.div): 4
        case .binary(.pow): 40
        case .binary, .compare, .select, .cast: 1
        }
    }

    private var word: String? {
        switch self {
        case .unaryGradient(let function): "d\(function.rawValue)"
        case .unary, .binary, .compare, .select, .cast: nil
        }
    }
}

extension UnaryFunction {
    fileprivate var operationCount: Int {
        switch self {
        case .stopGradient: 0
        case .neg, .abs, .sign, .relu, .not: 1
        case .sqrt, .rsqrt, .reciprocal: 4
        case .exp, .log: 14
        case .sin, .cos: 18
        case .sigmoid, .silu: 20
        case .tanh, .erf: 22
        case .gelu, .geluTanh: 26
        }
    }
}

/// The common shape of operands that broadcast against one another.
func broadcastShape(_ shapes: [[Dimension]]) throws(IRError) -> [Dimension] {
    let rank = shapes.map(\.count).max() ?? 0
    var result: [Dimension] = []
    for axis in 0..<rank {
        var extent: Dimension = 1
        for shape in shapes {
            let own = axis - (rank - shape.count)
            guard own >= 0, shape[own] != 1 else { continue }
            guard extent == 1 || extent == shape[own] else {
                let text = shapes.map { "[\($0.map(\.description).joined(separator: ", "))]" }
                throw .type("shapes \(text.joined(separator: " and ")) do not broadcast")
            }
            extent = shape[own]
        }
        result.append(extent)
    }
    return result
}
