import GraphIR

/// An index into a row kernel's element program.
public typealias ElementID = Int

/// One step of an element program: what a row kernel computes for each element, or (when nothing in it varies
/// along the columns) once a row. Reduced-precision loads widen to f32 and stores narrow again.
package enum ElementOp: Hashable, Sendable {
    case load(Access)
    case constant(Double, ElementType)
    /// The column number, i32.
    case column
    /// The row number, i32.
    case row
    /// A product of dimensions, i64.
    case extent(Extent)
    case unary(ElementUnary, ElementID)
    case binary(BinaryFunction, ElementID, ElementID)
    case compare(Comparison, ElementID, ElementID)
    case select(ElementID, ElementID, ElementID)
    /// To `i8` a number within ±127 is rounded to nearest, ties to even.
    case cast(ElementID, ElementType)
    /// Sum or maximum over the columns: one value a row, available to later passes over the row.
    case reduce(Reduction, ElementID)
    /// Whether dropout keeps the element; `rng` is the buffer of (seed, step), `stream` that of the stream's number.
    case keep(rate: Double, stream: Int, rng: Int)
    /// An f32 that bf16 holds: the operand rounded up or down by 16 random bits.
    case stochasticRound(ElementID, stream: Int, rng: Int)
}

extension ElementOp {
    /// Whether the step needs a whole row.
    package var isReduction: Bool { if case .reduce = self { true } else { false } }

    /// How many vectors one call of the random generator serves, where the step calls it.
    package var vectorsOfCall: Int? {
        switch self {
        case .keep: 4
        case .stochasticRound: 8
        case .load, .constant, .column, .row, .extent, .unary, .binary, .compare, .select, .cast, .reduce:
            nil
        }
    }
}

/// Functions with a vector form of their own; activations are programs of these.
public enum ElementUnary: String, Hashable, Sendable {
    /// -x, |x|, the sign, eˣ, ln x, √x, tanh x, the error function, sine and cosine; negation of `bool`.
    case neg, abs, sign, exp, log, sqrt, tanh, erf, sin, cos, not
}

extension ElementOp {
    /// The steps that this one reads.
    package var operands: [ElementID] {
        switch self {
        case .load, .constant, .column, .row, .extent, .keep: []
        case .unary(_, let x), .cast(let x, _), .reduce(_, let x), .stochasticRound(let x, _, _): [x]
        case .binary(_, let a, let b), .compare(_, let a, let b): [a, b]
        case .select(let c, let a, let b): [c, a, b]
        }
    }

    /// The type in which the step computes, given those of the steps before it.
    package func type(_ types: [ElementType]) -> ElementType {
        switch self {
        case .load(let access): access.element.computeType
        case .constant(_, let type): type
        case .column, .row: .i32
        case .extent: .i64
        case .unary(_, let x), .reduce(_, let x), .stochasticRound(let x, _, _): types[x]
        case .binary(_, let a, _): types[a]
        case .compare, .keep: .bool
        case .select(_, let a, _): types[a]
        case .cast(_, let type): type.computeType
        }
    }
}

extension ElementOp: CustomStringConvertible {
    package var description: String {
        switch self {
        case .load(let access): "load \(access)"
        case .constant(let value, let type): "\(type.rawValue) \(value)"
        case .column: "column"
        case .row: "row"
        case .extent(let extent): "extent \(extent)"
        case .unary(let function, let x): "\(function.rawValue) e\(x)"
        case .binary(let function, let a, let b): "\(function.rawValue) e\(a), e\(b)"
        case .compare(let comparison, let a, let b): "\(comparison.rawValue) e\(a), e\(b)"
        case .select(let c, let a, let b): "select e\(c), e\(a), e\(b)"
        case .cast(let x, let type): "cast e\(x) to \(type.rawValue)"
        case .reduce(let reduction, let x): "reduce_\(reduction.rawValue) e\(x)"
        case .keep(let rate, let stream, let rng): "keep rate \(rate), stream b\(stream), rng b\(rng)"
        case .stochasticRound(let x, let stream, let rng):
            "stochastic_round e\(x), stream b\(stream), rng b\(rng)"
        }
    }
}

extension [ElementOp] {
    /// The pass over the columns after which each value exists: a reduction's is one more than its operand's. Values of
    /// elements are computed in any later pass too.
    package var levels: [Int] {
        var levels: [Int] = []
        for op in self {
            let level = op.operands.map { levels[$0] }.max() ?? 0
            levels.append(op.isReduction ? level + 1 : level)
        }
        return levels
    }

    func lines(indent: String) -> String {
        enumerated().map { "\(indent)e\($0) = \($1)\n" }.joined()
    }
}
