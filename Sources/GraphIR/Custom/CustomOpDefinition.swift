// custom.NAME   an op that a client of the compiler defines; see docs/library.md

/// What an op of a client's own is: its name, shape rule, meaning and gradient, and (unless a kernel is registered
/// for it, see `CustomKernel` in KernelIR) a decomposition into other ops.
///
/// ```swift
/// let mish = CustomOpDefinition(
///     "mish", shape: { _, types in types },
///     evaluate: { _, x in [x[0].values.map { $0 * tanh(log(1 + exp($0))) }] },
///     decomposition: { _, x in [x[0] * (1 + x[0].exp()).log().tanh()] })
/// let y = g.custom(mish, [x])[0]
/// ```
///
/// Two definitions are equal when they are the same object: make one and keep it.
public final class CustomOpDefinition: Sendable {
    /// Types of the results for operands of these types; an error says what the op can't take.
    public typealias ShapeRule = @Sendable (CustomOp, [TensorType]) throws -> [TensorType]
    /// The values of each result, row-major, for operands of these values.
    public typealias Evaluation = @Sendable (CustomOp, [CustomOperand]) throws -> [[Double]]
    /// Gradients with respect to the operands, in operand order; `nil` where there is none to have.
    public typealias Gradient = @Sendable (CustomOp, VJP) throws -> [Tensor?]
    /// The results as other ops of the operands, of the types that the shape rule gives.
    public typealias Decomposition = @Sendable (CustomOp, [Tensor]) throws -> [Tensor]

    /// A word; the op prints as `custom.NAME`.
    public let name: String
    /// The op's attributes in printing order, each with the value that it has when it is not given.
    public let attributes: [NamedAttribute]
    /// How many results the op has; each of its functions gives that many.
    public let resultCount: Int
    let shape: ShapeRule
    let evaluation: Evaluation
    let gradient: Gradient?
    let decomposition: Decomposition?

    /// Defines an op; `GraphBuilder.custom` appends it to graphs.
    ///
    /// - Parameters:
    ///   - name: a word; the op prints as `custom.NAME`.
    ///   - attributes: names with default values; a value given for one must be of the same kind as the value here.
    ///   - resultCount: how many results the op has, at least 1.
    ///   - shape: types of the results for types of the operands.
    ///   - evaluate: the definition of the op: what the interpreter computes, in `Double`.
    ///   - gradient: when `nil`, `trainingStep` differentiates the decomposition.
    ///   - decomposition: the op written with others, which takes its place where it has no kernel.
    public init(
        _ name: String, attributes: [NamedAttribute] = [], resultCount: Int = 1, shape: @escaping ShapeRule,
        evaluate: @escaping Evaluation, gradient: Gradient? = nil, decomposition: Decomposition? = nil
    ) {
        self.name = name
        self.attributes = attributes
        self.resultCount = resultCount
        self.shape = shape
        self.evaluation = evaluate
        self.gradient = gradient
        self.decomposition = decomposition
    }

    package var hasGradient: Bool { gradient != nil }
    package var hasDecomposition: Bool { decomposition != nil }
}

extension CustomOpDefinition: Hashable {
    public static func == (left: CustomOpDefinition, right: CustomOpDefinition) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// An operand as a custom op's evaluation sees it: row-major numbers.
public struct CustomOperand: Sendable {
    /// The extents of the axes in this run.
    public let shape: [Int]
    /// Elements, row-major; 0 or 1 for `bool`.
    public let values: [Double]

    package init(shape: [Int], values: [Double]) {
        self.shape = shape
        self.values = values
    }
}
