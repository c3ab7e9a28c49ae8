/// The closed set of operations. Each family's file under `Ops/` documents its members and holds their shape
/// rule, gradient and text form; the interpreter defines what they compute.
public enum Op: Hashable, Sendable {
    // Ops/Sources.swift
    case input(name: String, type: TensorType)
    case parameter(name: String, type: TensorType, role: ParameterRole)
    case constant(Literal, type: TensorType)
    case iota(type: TensorType, axis: Int)
    case dimensionSize(Dimension)
    // Ops/Elementwise.swift
    case unary(UnaryFunction)
    case unaryGradient(UnaryFunction)
    case binary(BinaryFunction)
    case compare(Comparison)
    case select
    case cast(ElementType)
    // Ops/Dropout.swift
    case dropout(rate: Double, stream: Int)
    // Ops/Reductions.swift
    case reduce(Reduction, axes: [Int], keepDimensions: Bool)
    // Ops/Shapes.swift
    case broadcast([Dimension])
    case reshape([Dimension])
    case transpose([Int])
    case slice(axis: Int, start: Int, size: Dimension)
    case concatenate(axis: Int)
    // Ops/Contractions.swift
    case matmul(transposeLeft: Bool, transposeRight: Bool)
    case raggedMatmul(RaggedForm, length: Dimension)
    // Ops/Normalisation.swift
    case softmax
    case softmaxGradient
    case layerNorm(epsilon: Double)
    case layerNormGradient
    case rowStatistics(epsilon: Double)
    case normalize
    // Ops/Attention.swift
    case flashAttention(AttentionAttributes)
    case flashAttentionGradient(AttentionAttributes)
    // Ops/CrossEntropy.swift
    case crossEntropy(ignoreIndex: Int)
    case crossEntropyGradient(ignoreIndex: Int)
    // Ops/Indexing.swift
    case gather
    case scatterAdd(rows: Dimension)
    case coalesce(rows: Dimension)
    case segmentSum
    case segmentBroadcast(tokens: Dimension)
    // Ops/Optimizers.swift
    case adamW(AdamWAttributes)
    // Ops/Fusion.swift
    case fusion(Region)
    // Custom/CustomOp.swift
    case custom(CustomOp)
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
}

extension Op {
    /// Types of the results for operands of these types; throws when the op can't take them.
    public func resultTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        let types = try shapeRule(operands)
        for dimension in types.flatMap(\.shape) { try dimension.check() }
        return types
    }

    private func shapeRule(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .input, .parameter, .constant, .iota, .dimensionSize:
            try sourceTypes(operands)
        case .unary, .unaryGradient, .binary, .compare, .select, .cast:
            try elementwiseTypes(operands)
        case .dropout:
            try dropoutTypes(operands)
        case .reduce:
            try reductionTypes(operands)
        case .broadcast, .reshape, .transpose, .slice, .concatenate:
            try shapeTypes(operands)
        case .matmul, .raggedMatmul:
            try contractionTypes(operands)
        case .softmax, .softmaxGradient, .layerNorm, .layerNormGradient, .rowStatistics, .normalize:
            try normalisationTypes(operands)
        case .flashAttention, .flashAttentionGradient:
            try attentionTypes(operands)
        case .crossEntropy, .crossEntropyGradient:
            try crossEntropyTypes(operands)
        case .gather, .scatterAdd, .coalesce, .segmentSum, .segmentBroadcast:
            try indexingTypes(operands)
        case .adamW:
            try optimizerTypes(operands)
        case .fusion:
            try fusionTypes(operands)
        case .custom(let op):
            try op.types(operands)
        }
    }

    /// Gradients with respect to the operands, in operand order; `nil` where there is none to have (integers,
    /// constants). Called only when at least one cotangent is present.
    public func operandGradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        switch self {
        case .input, .parameter, .constant, .iota, .dimensionSize: []
        case .unary, .unaryGradient, .binary, .compare, .select, .cast: try elementwiseVJP(rule)
        case .dropout: dropoutVJP(rule)
        case .reduce: reductionVJP(rule)
        case .broadcast, .reshape, .transpose, .slice, .concatenate: shapeVJP(rule)
        case .matmul, .raggedMatmul: contractionVJP(rule)
        case .softmax, .softmaxGradient, .layerNorm, .layerNormGradient, .rowStatistics, .normalize:
            try normalisationVJP(rule)
        case .flashAttention, .flashAttentionGradient: try attentionVJP(rule)
        case .crossEntropy, .crossEntropyGradient: try crossEntropyVJP(rule)
        case .gather, .scatterAdd, .coalesce, .segmentSum, .segmentBroadcast: indexingVJP(rule)
        case .adamW, .fusion: throw noGradient()
        case .custom(let op): try op.gradients(rule)
        }
    }

    func noGradient() -> IRError { IRError("gradient", "'\(mnemonic)' has no gradient rule") }

    /// Checks the number of operands.
    func expect(_ operands: [TensorType], _ counts: ClosedRange<Int>) throws(IRError) {
        guard counts.contains(operands.count) else {
            let wanted = counts.lowerBound == counts.upperBound ? "\(counts.lowerBound)" : "\(counts)"
            throw .type("takes \(wanted) operands, got \(operands.count)")
        }
    }
}

/// What a gradient rule sees: the node's operands and results in the graph being built, and the gradients that
/// arrived at its results.
public struct VJP {
    public let builder: GraphBuilder
    public let operands: [Tensor]
    public let results: [Tensor]
    /// One a result; `nil` where nothing depends on that result.
    public let cotangents: [Tensor?]
    /// Which operands need a gradient; a rule may skip the others.
    public let needed: [Bool]

    public init(
        builder: GraphBuilder, operands: [Tensor], results: [Tensor], cotangents: [Tensor?], needed: [Bool]
    ) {
        self.builder = builder
        self.operands = operands
        self.results = results
        self.cotangents = cotangents
        self.needed = needed
    }

    /// The cotangent of the only differentiable result.
    public var cotangent: Tensor { cotangents[0] ?? builder.zeros(like: results[0]) }
}
