/// A value of a graph that is being built.
public struct Tensor {
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

    public var type: TensorType { stored.map(builder.graph.type(of:)) ?? Self.standIn }

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
    public static func + (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.add, a, b) }
    public static func - (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.sub, a, b) }
    public static func * (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.mul, a, b) }
    public static func / (a: Tensor, b: Tensor) -> Tensor { a.builder.binary(.div, a, b) }
    public static func + (a: Tensor, b: Double) -> Tensor { a + a.scalarLike(b) }
    public static func - (a: Tensor, b: Double) -> Tensor { a - a.scalarLike(b) }
    public static func * (a: Tensor, b: Double) -> Tensor { a * a.scalarLike(b) }
    public static func / (a: Tensor, b: Double) -> Tensor { a / a.scalarLike(b) }
    public static func + (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) + b }
    public static func - (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) - b }
    public static func * (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) * b }
    public static func / (a: Double, b: Tensor) -> Tensor { b.scalarLike(a) / b }
    public static prefix func - (a: Tensor) -> Tensor { a.map(.neg) }

    private func scalarLike(_ value: Double) -> Tensor { builder.scalar(value, type.element) }

    public func map(_ function: UnaryFunction) -> Tensor { builder.apply(.unary(function), [self]) }
    public func abs() -> Tensor { map(.abs) }
    public func sign() -> Tensor { map(.sign) }
    public func exp() -> Tensor { map(.exp) }
    public func log() -> Tensor { map(.log) }
    public func sqrt() -> Tensor { map(.sqrt) }
    public func rsqrt() -> Tensor { map(.rsqrt) }
    public func tanh() -> Tensor { map(.tanh) }
    public func sigmoid() -> Tensor { map(.sigmoid) }
    public func erf() -> Tensor { map(.erf) }
    public func relu() -> Tensor { map(.relu) }
    public func gelu() -> Tensor { map(.gelu) }
    public func silu() -> Tensor { map(.silu) }
    /// The same numbers, as a constant to Autodiff.
    public func stopGradient() -> Tensor { map(.stopGradient) }
    public func cast(_ element: ElementType) -> Tensor {
        element == type.element ? self : builder.apply(.cast(element), [self])
    }
}

// MARK: Shapes and reductions

extension Tensor {
    public func reshaped(_ shape: [Dimension]) -> Tensor {
        shape == self.shape ? self : builder.apply(.reshape(shape), [self])
    }

    public func transposed(_ permutation: [Int]) -> Tensor { builder.apply(.transpose(permutation), [self]) }

    public func broadcast(to shape: [Dimension]) -> Tensor {
        shape == self.shape ? self : builder.apply(.broadcast(shape), [self])
    }

    public func slice(axis: Int, start: Int, size: Dimension) -> Tensor {
        builder.apply(.slice(axis: axis, start: start, size: size), [self])
    }

    /// Sum over `axes` (all when `nil`).
    public func sum(axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
        builder.apply(
            .reduce(.sum, axes: axes ?? Array(shape.indices), keepDimensions: keepDimensions), [self])
    }

    public func max(axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
        builder.apply(
            .reduce(.max, axes: axes ?? Array(shape.indices), keepDimensions: keepDimensions), [self])
    }

    /// Mean over `axes` (all when `nil`).
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
    public func matmul(_ other: Tensor, transposeLeft: Bool = false, transposeRight: Bool = false) -> Tensor {
        builder.apply(.matmul(transposeLeft: transposeLeft, transposeRight: transposeRight), [self, other])
    }

    /// Softmax over the last axis, over the first `limits` columns of each row where given.
    public func softmax(limits: Tensor? = nil) -> Tensor {
        builder.apply(.softmax, [self] + (limits.map { [$0] } ?? []))
    }

    public func layerNorm(gamma: Tensor, beta: Tensor, epsilon: Double) -> Tensor {
        builder.apply(.layerNorm(epsilon: epsilon), [self, gamma, beta])
    }

    /// Loss of each row against integer classes; rows labelled `ignoreIndex` give 0.
    ///
    /// - Parameter labelSmoothing: s in (1 - s) · loss + s · (mean of the losses against each class), which is
    ///   lse - Σ_c x[c] / classes (Szegedy et al., arXiv:1512.00567); as `torch.nn.CrossEntropyLoss` has it.
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

    /// Rows of this table at `ids`.
    public func gather(_ ids: Tensor) -> Tensor { builder.apply(.gather, [self, ids]) }

    /// Sum of each sequence's rows.
    public func segmentSum(offsets: Tensor, lengths: Tensor) -> Tensor {
        builder.apply(.segmentSum, [self, offsets, lengths])
    }

    /// Each sequence's row at each of its tokens.
    public func segmentBroadcast(tokens: Dimension, offsets: Tensor, lengths: Tensor) -> Tensor {
        builder.apply(.segmentBroadcast(tokens: tokens), [self, offsets, lengths])
    }
}
