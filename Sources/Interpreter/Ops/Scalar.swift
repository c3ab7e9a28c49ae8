import Foundation
import GraphIR

/// Functions of single numbers in `Double`.
enum Scalar {
    /// The larger number; NaN when either is NaN.
    static func max(_ a: Double, _ b: Double) -> Double { a.isNaN || a > b ? a : b }

    /// The smaller number; NaN when either is NaN.
    static func min(_ a: Double, _ b: Double) -> Double { a.isNaN || a < b ? a : b }

    /// The greatest |x| that has a sine and a cosine.
    private static let largestAngle = 0x1p20

    static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    static func apply(_ function: UnaryFunction, _ x: Double) -> Double {
        switch function {
        case .neg: -x
        case .abs: Swift.abs(x)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .exp: exp(x)
        case .log: log(x)
        case .sqrt: x.squareRoot()
        case .rsqrt: 1 / x.squareRoot()
        case .reciprocal: 1 / x
        case .tanh: tanh(x)
        case .sigmoid: sigmoid(x)
        case .erf: erf(x)
        case .sin: Swift.abs(x) <= largestAngle ? sin(x) : .nan
        case .cos: Swift.abs(x) <= largestAngle ? cos(x) : .nan
        case .relu: max(x, 0)
        case .gelu: x * normalCDF(x)
        case .geluTanh: x / 2 * (1 + tanh(geluTanhArgument(x)))
        case .silu: x * sigmoid(x)
        case .stopGradient: x
        case .not: x == 0 ? 1 : 0
        }
    }

    /// f'(x).
    static func derivative(_ function: UnaryFunction, _ x: Double) -> Double {
        switch function {
        case .neg: return -1
        case .abs: return apply(.sign, x)
        case .sign, .stopGradient, .not: return 0
        case .exp: return exp(x)
        case .log: return 1 / x
        case .sqrt: return 0.5 / x.squareRoot()
        case .rsqrt: return -0.5 / (x * x.squareRoot())
        case .reciprocal: return -1 / (x * x)
        case .tanh: return 1 - tanh(x) * tanh(x)
        case .sigmoid: return sigmoid(x) * (1 - sigmoid(x))
        case .erf: return 2 / Double.pi.squareRoot() * exp(-x * x)
        case .sin: return apply(.cos, x)
        case .cos: return -apply(.sin, x)
        case .relu: return x > 0 ? 1 : 0
        case .gelu: return normalCDF(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
        case .geluTanh:
            let t = tanh(geluTanhArgument(x))
            let slope = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
            return (1 + t) / 2 + x / 2 * (1 - t * t) * slope
        case .silu: return sigmoid(x) * (1 + x * (1 - sigmoid(x)))
        }
    }

    static func apply(_ function: BinaryFunction, _ a: Double, _ b: Double) -> Double {
        switch function {
        case .add: a + b
        case .sub: a - b
        case .mul: a * b
        case .div: a / b
        case .max: max(a, b)
        case .min: min(a, b)
        case .pow: pow(a, b)
        case .and: a != 0 && b != 0 ? 1 : 0
        case .or: a != 0 || b != 0 ? 1 : 0
        }
    }

    /// Integers wrap around; `nil` is a division by zero.
    static func apply(_ function: BinaryFunction, _ a: Int, _ b: Int) -> Int? {
        switch function {
        case .add: return a &+ b
        case .sub: return a &- b
        case .mul: return a &* b
        case .div: return b == 0 ? nil : a.dividedReportingOverflow(by: b).partialValue
        case .max: return Swift.max(a, b)
        case .min: return Swift.min(a, b)
        case .pow: return power(a, b)
        case .and, .or: return a & b
        }
    }

    /// a^b by squaring; a negative power truncates toward zero.
    private static func power(_ a: Int, _ b: Int) -> Int? {
        guard b >= 0 else {
            switch a {
            case 0: return nil
            case 1: return 1
            case -1: return b % 2 == 0 ? 1 : -1
            default: return 0
            }
        }
        var (result, square, rest) = (1, a, b)
        while rest > 0 {
            if rest & 1 == 1 { result = result &* square }
            square = square &* square
            rest >>= 1
        }
        return result
    }

    static func apply(_ comparison: Comparison, _ a: Double, _ b: Double) -> Bool {
        switch comparison {
        case .eq: a == b
        case .ne: a != b
        case .lt: a < b
        case .le: a <= b
        case .gt: a > b
        case .ge: a >= b
        }
    }

    /// Φ(x) = (1 + erf(x/√2)) / 2, without cancellation for negative x.
    private static func normalCDF(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

    private static func geluTanhArgument(_ x: Double) -> Double {
        (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
    }
}
