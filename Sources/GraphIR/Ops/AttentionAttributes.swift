/// What the elements of an additive bias of attention's scores belong to.
public enum AttentionBias: String, Hashable, Sendable, CaseIterable {
    /// Two positions of a sequence: f32[heads, n, n], queries before keys.
    case pairs
    /// The distance from the query's position to the key's, from 1 - n to n - 1: f32[heads, 2n - 1].
    case distances

    /// n of a bias with so many elements in its last axis: the longest sequence that it serves.
    package func longest(_ columns: Int) -> Int {
        switch self {
        case .pairs: columns
        case .distances: (columns + 1) / 2
        }
    }
}

/// Which products of contents and relative positions are added to attention's scores (He et al., arXiv:2006.03654).
public enum RelativeTerms: String, Hashable, Sendable, CaseIterable {
    /// Queries times keys of the distance.
    case contentToPosition = "content_to_position"
    /// Keys times queries of the distance.
    case positionToContent = "position_to_content"
    /// Both.
    case both

    init?(hasKeys: Bool, hasQueries: Bool) {
        switch (hasKeys, hasQueries) {
        case (true, true): self = .both
        case (true, false): self = .contentToPosition
        case (false, true): self = .positionToContent
        case (false, false): return nil
        }
    }

    /// Whether distances have keys.
    package var hasKeys: Bool { self != .positionToContent }
    /// Whether distances have queries.
    package var hasQueries: Bool { self != .contentToPosition }
    /// How many tables that are.
    package var tableCount: Int { self == .both ? 2 : 1 }
}

/// What attention computes beyond its operands.
public struct AttentionAttributes: Hashable, Sendable {
    /// Factor of the scores, usually 1/√headSize.
    public var scale: Double
    /// Share of the probabilities that dropout takes out, in [0, 1).
    public var rate: Double
    /// Dropout's stream number.
    public var stream: Int
    /// The keys that a row may attend to, where they are not all keys of its sequence.
    public var mask: AttentionMask?
    /// What is added to the scores, where there is an operand for it.
    public var bias: AttentionBias?
    /// The products with relative positions, where there are operands for them.
    public var relative: RelativeTerms?
    /// Whether queries and keys are turned by angles, for which there is an operand.
    public var isRotary = false
    /// Whether the gradient has the result dbias. The forward op has none.
    public var hasBiasGradient = false

    /// Attributes of attention without dropout, mask and bias, but for what is given.
    ///
    /// - Parameters:
    ///   - scale: factor of the scores.
    ///   - rate: share of the probabilities that dropout takes out.
    ///   - stream: number of the dropout stream.
    ///   - mask: the keys that each query may attend to; all of its sequence when `nil`.
    ///   - bias: what the operand `bias` belongs to; `nil` without one.
    ///   - relative: the products with relative positions; `nil` without any.
    ///   - isRotary: whether queries and keys are turned.
    ///   - hasBiasGradient: whether the gradient has the result dbias.
    public init(
        scale: Double, rate: Double = 0, stream: Int = 0, mask: AttentionMask? = nil,
        bias: AttentionBias? = nil, relative: RelativeTerms? = nil, isRotary: Bool = false,
        hasBiasGradient: Bool = false
    ) {
        self.scale = scale
        self.rate = rate
        self.stream = stream
        self.mask = mask
        self.bias = bias
        self.relative = relative
        self.isRotary = isRotary
        self.hasBiasGradient = hasBiasGradient
    }
}
