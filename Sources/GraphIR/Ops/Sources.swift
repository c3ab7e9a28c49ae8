// Sources: nodes without operands.
//
// input          data given at each run
// parameter      a tensor that lives across runs: a weight (trainable or frozen) or optimiser state
// constant       a splat of one number, or dense numbers of a fixed shape
// iota           0, 1, 2, … along one axis, the same along the others
// dimension_size the extent of a dimension, as an i64 scalar

extension Op {
    /// Nodes without operands.
    public enum Source: Hashable, Sendable {
        /// A tensor that each run is given.
        case input(name: String, type: TensorType)
        /// A tensor that lives across runs.
        case parameter(name: String, type: TensorType, role: ParameterRole)
        /// Numbers that are part of the graph.
        case constant(Literal, type: TensorType)
        /// 0, 1, 2, … along one axis, the same along the others.
        case iota(type: TensorType, axis: Int)
        /// The extent of a dimension, as an i64 scalar.
        case dimensionSize(Dimension)

        /// The name by which the caller supplies the value; `nil` for what the graph makes itself.
        public var suppliedName: String? {
            switch self {
            case .input(let name, _), .parameter(let name, _, _): name
            case .constant, .iota, .dimensionSize: nil
            }
        }
    }

    /// A tensor that each run is given; see `GraphBuilder.input`.
    public static func input(name: String, type: TensorType) -> Op {
        .source(.input(name: name, type: type))
    }

    /// A tensor that lives across runs; see `GraphBuilder.parameter`.
    public static func parameter(name: String, type: TensorType, role: ParameterRole) -> Op {
        .source(.parameter(name: name, type: type, role: role))
    }

    /// Numbers that are part of the graph; see `GraphBuilder.constant`.
    public static func constant(_ literal: Literal, type: TensorType) -> Op {
        .source(.constant(literal, type: type))
    }

    /// 0, 1, 2, … along `axis` of `type`, the same along the other axes.
    public static func iota(type: TensorType, axis: Int) -> Op { .source(.iota(type: type, axis: axis)) }

    /// The extent of a dimension in each run, i64[]; see `GraphBuilder.size`.
    public static func dimensionSize(_ dimension: Dimension) -> Op { .source(.dimensionSize(dimension)) }

    /// The name of an input or parameter.
    public var suppliedName: String? {
        if case .source(let source) = self { source.suppliedName } else { nil }
    }
}

/// What a parameter is to training.
public enum ParameterRole: String, Hashable, Sendable, CaseIterable {
    /// Gets a gradient and an optimiser update.
    case trainable
    /// Read only.
    case frozen
    /// Optimiser moments, counters: written by updates, never differentiated.
    case state
    /// Running sums, such as those of gradients: state whose update is written as soon as it is known, whatever
    /// becomes of the run.
    case accumulator
}

/// The value of a constant.
public enum Literal: Hashable, Sendable {
    /// Every element is this number.
    case splat(Double)
    /// Row-major elements of a fixed shape.
    case dense([Double])

    fileprivate var numbers: [Double] {
        switch self {
        case .splat(let value): [value]
        case .dense(let values): values
        }
    }

    /// Whether literals that are equal are the same numbers: `Double` says -0 == 0, but 1 / -0 is not 1 / 0.
    fileprivate var isIdentified: Bool {
        switch self {
        case .splat(let value): !(value == 0 && value.sign == .minus)
        case .dense(let values): !values.contains { $0 == 0 && $0.sign == .minus }
        }
    }
}

extension Op.Source: OpFamily {
    private enum Row {
        static let input = Spelling("input", .string("name"), .resultType) { .input(name: $0, type: $1) }
        static let parameter = Spelling("parameter", .string("name"), .resultType, .choice("role")) {
            .parameter(name: $0, type: $1, role: $2)
        }
        static let constant = Spelling(
            "constant", .resultType, .optional(.float("value")), .optional(.floats("values"))
        ) { (type, value: Double?, values: [Double]?) throws(IRError) in
            switch (value, values) {
            case (let value?, nil): .constant(.splat(value), type: type)
            case (nil, let values?): .constant(.dense(values), type: type)
            case (nil, nil): throw .type("attribute 'value' is missing")
            case (.some, .some): throw .type("give 'value' or 'values', not both")
            }
        }
        static let iota = Spelling("iota", .resultType, .int("axis")) { .iota(type: $0, axis: $1) }
        static let dimensionSize = Spelling("dimension_size", .dimension("of")) { .dimensionSize($0) }
    }

    static let spellings: [any OpSpelling] = [
        Row.input, Row.parameter, Row.constant, Row.iota, Row.dimensionSize,
    ]

    var text: OpText {
        switch self {
        case .input(let name, let type): Row.input(name, type)
        case .parameter(let name, let type, let role): Row.parameter(name, type, role)
        case .constant(.splat(let value), let type): Row.constant(type, value, nil)
        case .constant(.dense(let values), let type): Row.constant(type, nil, values)
        case .iota(let type, let axis): Row.iota(type, axis)
        case .dimensionSize(let dimension): Row.dimensionSize(dimension)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        try expect(operands, 0...0)
        switch self {
        case .input(_, let type), .parameter(_, let type, _):
            return [type]
        case .constant(let literal, let type):
            if case .dense(let values) = literal {
                let count = type.elementCount
                guard count.symbols.isEmpty, count.factor == values.count else {
                    throw .type("\(values.count) values given for \(type)")
                }
            }
            if !type.element.isFloat,
                let number = literal.numbers.first(where: { !type.element.holds($0) })
            {
                throw .type("\(number) is not a number that \(type.element.rawValue) holds")
            }
            return [type]
        case .iota(let type, let axis):
            guard type.shape.indices.contains(axis) else {
                throw .type("axis \(axis) is not an axis of \(type)")
            }
            return [type]
        case .dimensionSize(let dimension):
            try dimension.check()
            return [TensorType(.i64, [])]
        }
    }

    func gradients(_ rule: VJP) -> [Tensor?] { [] }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        switch self {
        case .constant(.splat, _), .dimensionSize: Iteration(.free, over: results)
        case .input, .parameter, .constant(.dense, _), .iota: Iteration(.opaque, over: results)
        }
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: merges, folding: folding, isElementWise: false, byAddress: 0..<0,
            lowPrecision: 0..<0, integers: [], work: .none, word: nil, dropoutStream: nil)
    }

    /// Inputs and parameters are identities, not expressions.
    private var merges: Bool {
        switch self {
        case .input, .parameter: false
        case .constant(let literal, _): literal.isIdentified
        case .iota, .dimensionSize: true
        }
    }

    /// An iota is as cheap as a constant and smaller in print.
    private var folding: OpTraits.Folding {
        switch self {
        case .input, .parameter, .constant, .iota: .never
        case .dimensionSize: .small
        }
    }
}
