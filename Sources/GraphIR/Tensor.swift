/// A value of a graph that is being built.
public struct Tensor {
    /// The builder that appends what is computed from the tensor.
    public let builder: GraphBuilder
    private let stored: Value?

    init(builder: GraphBuilder, value: Value?) {
        self.builder = builder
        self.stored = value
    }

    /// The value in the graph; after a mistake, a stand-in that never reaches a finished graph.
    public var value: Value { stored ?? Value(NodeID(-1)) }

    /// Whether the value could be built.
    var exists: Bool { stored != nil }

    /// What is known of a value that could not be built: nothing. So many axes let code that goes on with it ask for any
    /// of them until `build` throws the mistake.
    private static let standIn = TensorType(.f32, Array(repeating: 1, count: 16))

    /// Element type and shape.
    public var type: TensorType { stored.map(builder.graph.type(of:)) ?? Self.standIn }

    /// Extents of the axes; empty for a scalar.
    public var shape: [Dimension] { type.shape }

    /// All axes as one extent, where that can be written as a dimension (at most one symbolic factor).
    var flatExtent: Dimension? {
        let count = type.elementCount
        if count.symbols.isEmpty { return .fixed(count.factor) }
        return count.symbols.count == 1 ? count.symbols[0] * count.factor : nil
    }
}

// MARK: Arithmetic

extension Tensor {
    /// The sum of elements of one type; extents of 1 and missing leading axes repeat.
    public static func + (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.add, a, b) }
    /// The difference of elements of one type; extents of 1 and missing leading axes repeat.
    public static func - (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.sub, a, b) }
    /// The product of elements of one type; extents of 1 and missing leading axes repeat.
    public static func * (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.mul, a, b) }
    /// The quotient of elements of one type; extents of 1 and missing leading axes repeat.
    public static func / (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.div, a, b) }
    /// The sum with a number for every element.
    public static func + (a: Tensor, b: Double) -> Tensor { a + a.scalarLike(b) }
    /// The difference with a number for every element.
    public static func - (a: Tensor, b: Double) -> Tensor { a - a.scalarLike(b) }
    /// The product with a number for every element.
    public static func * (a: Tensor, b: Double) -> Tensor { a * a.scalarLike(b) }
    /// The quotient with a number for every element.
    public static func / (a: Tensor, b: Double) -> Tensor { a / a.scalarLike(b) }
    /// The sum of a number with every element.
    public static func + (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) + b }
    /// The difference of a number with every element.
    public static func - (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) - b }
    /// The product of a number with every element.
    public static func * (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) * b }
    /// The quotient of a number with every element.
    public static func / (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) / b }
    /// The negative of every element.
    public static prefix func - (a: Tensor) -> Tensor { a.map(.neg) }

    private func scalarLike(_ value: Double) -> Tensor { builder.scalar(value, type.element) }

    /// `function` of every element: of floats; of integers too for `neg`, `abs`, `sign`, `relu` and `stopGradient`; of `bool` for `not`.
    public func map(_ function: UnaryFunction) -> Tensor { builder.apply(.unary(function), [self]) }
    /// |x| of every element.
    public func abs() -> Tensor { map(.abs) }
    /// -1, 0 or 1 for every element.
    public func sign() -> Tensor { map(.sign) }
    /// eˣ of every element.
    public func exp() -> Tensor { map(.exp) }
    /// The natural logarithm of every element.
    public func log() -> Tensor { map(.log) }
    /// The square root of every element.
    public func sqrt() -> Tensor { map(.sqrt) }
    /// 1/√x of every element.
    public func rsqrt() -> Tensor { map(.rsqrt) }
    /// The hyperbolic tangent of every element.
    public func tanh() -> Tensor { map(.tanh) }
    /// 1/(1 + e⁻ˣ) of every element.
    public func sigmoid() -> Tensor { map(.sigmoid) }
    /// The error function of every element.
    public func erf() -> Tensor { map(.erf) }
    /// max(x, 0) of every element.
    public func relu() -> Tensor { map(.relu) }
    /// x Φ(x) of every element, with the error function (Hendrycks and Gimpel, arXiv:1606.08415).
    public func gelu() -> Tensor { map(.gelu) }
    /// x · sigmoid(x) of every element.
    public func silu() -> Tensor { map(.silu) }
    /// The same numbers, through which no gradient passes.
    public func stopGradient() -> Tensor { map(.stopGradient) }
    /// The same numbers in another element type, rounded to nearest even.
    public func cast(_ element: ElementType) -> Tensor {
        element == type.element ? self : builder.apply(.cast(element), [self])
    }
}

// MARK: Shapes and reductions

extension Tensor {
    /// The same elements, row-major, under a shape with as many.
    public func reshaped(_ shape: [Dimension]) -> Tensor {
        shape == self.shape ? self : builder.apply(.reshape(shape), [self])
    }

    /// Axis i of the result is axis `permutation[i]` of this tensor.
    public func transposed(_ permutation: [Int]) -> Tensor { builder.apply(.transpose(permutation), [self]) }

    /// Repeats extents of 1, and new leading axes, up to `shape`.
    public func broadcast(to shape: [Dimension]) -> Tensor {
        shape == self.shape ? self : builder.apply(.broadcast(shape), [self])
    }

    /// `size` elements from `start` on along `axis`.
    public func slice(axis: Int, start: Int, size: Dimension) -> Tensor {
        builder.apply(.slice(axis: axis, start: start, size: size), [self])
    }

    /// The sum over `axes` (all when `nil`); reduced axes stay with extent 1 when `keepDimensions`.
    public func sum(axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
        builder.apply(
            .reduce(.sum, axes: axes ?? Array(shape.indices), keepDimensions: keepDimensions), [self])
    }

    /// The largest element over `axes` (all when `nil`); reduced axes stay with extent 1 when `keepDimensions`.
    public func max(axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
        builder.apply(
            .reduce(.max, axes: axes ?? Array(shape.indices), keepDimensions: keepDimensions), [self])
    }

    /// The mean over `axes` (all when `nil`); reduced axes stay with extent 1 when `keepDimensions`.
    public func mean(axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
        let sum = sum(axes: axes, keepDimensions: keepDimensions)
        return (axes ?? Array(shape.indices)).reduce(sum) { mean, axis in
            // An axis that does not exist has failed in the sum.
            shape.indices.contains(axis) ? mean / builder.size(shape[axis], type.element) : mean
        }
    }

    /// Sums the axes along which a tensor of `target` shape was repeated to get this one: the gradient of
    /// broadcasting.
    public func summed(to target: [Dimension]) -> Tensor {
        guard target != shape else { return self }
        let lead = shape.count - target.count
        guard lead >= 0 else {
            return builder.fail(IRError("gradient", "a gradient \(type) can't be summed to \(target)"))
        }
        let axes = shape.indices.filter { $0 < lead || (target[$0 - lead] == 1 && shape[$0] != 1) }
        return sum(axes: axes).reshaped(target)
    }
}

// MARK: Linear algebra and rows

extension Tensor {
    /// The matrix product over the last two axes, [m, k] by [k, n], each operand transposed first where that is asked for; leading axes
    /// are equal. The result is f32 for operands of any one float type.
    public func matmul(_ other: Tensor, transposeLeft: Bool = false, transposeRight: Bool = false) -> Tensor {
        builder.apply(.matmul(transposeLeft: transposeLeft, transposeRight: transposeRight), [self, other])
    }

    /// Softmax over the last axis; over the first columns of each row alone, with 0 elsewhere, where `limits`, i32
    /// over leading axes, says how many.
    public func softmax(limits: Tensor? = nil) -> Tensor {
        builder.apply(.softmax, [self] + (limits.map { [$0] } ?? []))
    }

    /// (x - mean) / √(variance + epsilon) · gamma + beta over the last axis (Ba et al., arXiv:1607.06450); `gamma` and `beta` have its
    /// extent.
    public func layerNorm(gamma: Tensor, beta: Tensor, epsilon: Double) -> Tensor {
        builder.apply(.layerNorm(epsilon: epsilon), [self, gamma, beta])
    }

    /// x / √(mean of x² + epsilon) · gamma over the last axis (Zhang and Sennrich, arXiv:1910.07467); `gamma` has its extent.
    public func rmsNorm(gamma: Tensor, epsilon: Double) -> Tensor {
        builder.apply(.rmsNorm(epsilon: epsilon), [self, gamma])
    }

    /// The rows as i8 with a scale each: x is about `values · scale`. See `Op.Quantization`.
    ///
    /// - Returns: i8 of the tensor's shape, and f32 without its last axis.
    public func quantized() -> (values: Tensor, scale: Tensor) {
        let results = builder.applyAll(.quantize, [self])
        return (results[0], results[1])
    }

    /// Products of quantised rows as f32: a · row · column, from i32 or i8 [..., n].
    ///
    /// - Parameters:
    ///   - row: f32 [...], the scales of the left operand's rows.
    ///   - column: f32 [n], those of the right operand's.
    public func dequantized(row: Tensor, column: Tensor) -> Tensor {
        builder.apply(.dequantize, [self, row, column])
    }

    /// The loss of each row of logits [n, classes] against integer classes, f32[n].
    ///
    /// - Parameters:
    ///   - labels: i32[n], the class of each row.
    ///   - ignoreIndex: a label whose rows give 0.
    ///   - labelSmoothing: s in (1 - s) · loss + s · (mean of the losses against each class), which is
    ///     lse - Σ_c x[c] / classes (Szegedy et al., arXiv:1512.00567); as `torch.nn.CrossEntropyLoss` has it.
    public func crossEntropy(labels: Tensor, ignoreIndex: Int = -100, labelSmoothing: Double = 0) -> Tensor {
        let results = builder.applyAll(.crossEntropy(ignoreIndex: ignoreIndex), [self, labels])
        if labelSmoothing == 0 { return results[0] }
        guard (0...1).contains(labelSmoothing) else {
            return builder.fail(IRError("type", "label smoothing \(labelSmoothing) must be in [0, 1]"))
        }
        let all = results[1] - cast(.f32).mean(axes: [1])
        let isCounted = builder.compare(.ne, labels, builder.scalar(Double(ignoreIndex), .i32))
        let smooth = builder.select(isCounted, all, builder.zeros(like: all))
        return results[0] * (1 - labelSmoothing) + smooth * labelSmoothing
    }

    /// The rows of this table, [rows, …], at `ids`, i32[n…]: [n…, …].
    public func gather(_ ids: Tensor) -> Tensor { builder.apply(.gather, [self, ids]) }

    /// The sum of each sequence's rows: [tokens, …] gives [sequences, …]. `offsets`, i32[sequences + 1], says where sequences
    /// start, `lengths`, i32[sequences], how many of their rows are real.
    public func segmentSum(offsets: Tensor, lengths: Tensor) -> Tensor {
        builder.apply(.segmentSum, [self, offsets, lengths])
    }

    /// Each sequence's row at each of its tokens, 0 at padding: [sequences, …] gives [tokens, …]; see `segmentSum`.
    public func segmentBroadcast(tokens: Dimension, offsets: Tensor, lengths: Tensor) -> Tensor {
        builder.apply(.segmentBroadcast(tokens: tokens), [self, offsets, lengths])
    }
}
