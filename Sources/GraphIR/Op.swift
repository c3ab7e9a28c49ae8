/// The closed set of operations, one case per family. A family's file under `Ops/` documents its members and holds
/// all that the compiler needs to know of them: spelling, shape rule, gradient, iteration and traits (`OpFamily`).
/// The interpreter defines what they compute.
///
/// Build an op with the constructors of its family's file, `.matmul(transposeLeft: false, transposeRight: true)`;
/// match it by its family, `case .contraction(.matmul(let transposeLeft, _))`.
public enum Op: Hashable, Sendable {
    /// Nodes without operands.
    case source(Source)
    /// Functions of the elements at one place of each operand.
    case elementwise(Elementwise)
    /// Inverted dropout.
    case dropout(Dropout)
    /// Rounding whose error is zero on average.
    case stochasticRound(StochasticRound)
    /// A sum or a maximum over axes.
    case reduction(Reduce)
    /// Ops that move elements.
    case shape(Shape)
    /// Products of matrices.
    case contraction(Contraction)
    /// Softmax and layer normalisation.
    case normalisation(Normalisation)
    /// Numbers of 8 bits.
    case quantization(Quantization)
    /// Attention without an array of scores.
    case attention(Attention)
    /// Losses with their gradients.
    case loss(Loss)
    /// Rows of tables and of packed sequences.
    case indexing(Indexing)
    /// A parameter's new value by an optimiser's rule.
    case optimizer(OptimizerStep)
    /// Nodes that run as one kernel.
    case fusion(Region)
    /// An op that a client defines.
    case custom(CustomOp)
}

extension Op {
    /// The only place that takes an op apart into families: everything else is asked of the family.
    private var family: any OpFamily {
        switch self {
        case .source(let op): op
        case .elementwise(let op): op
        case .dropout(let op): op
        case .stochasticRound(let op): op
        case .reduction(let op): op
        case .shape(let op): op
        case .contraction(let op): op
        case .normalisation(let op): op
        case .quantization(let op): op
        case .attention(let op): op
        case .loss(let op): op
        case .indexing(let op): op
        case .optimizer(let op): op
        case .fusion(let op): op
        case .custom(let op): op
        }
    }

    /// Every op of the text form by its name, but for regions and custom ops.
    static let spellings: [String: any OpSpelling] = {
        let families: [any OpFamily.Type] = [
            Source.self, Elementwise.self, Dropout.self, StochasticRound.self, Reduce.self, Shape.self,
            Contraction.self, Normalisation.self, Quantization.self, Attention.self, Loss.self, Indexing.self,
            OptimizerStep.self,
        ]
        let all = families.flatMap { $0.spellings }
        return Dictionary(uniqueKeysWithValues: all.map { ($0.mnemonic, $0) })
    }()

    /// The op's name in the text form.
    public var mnemonic: String { family.text.mnemonic }

    /// The op's attributes in the text form, in printing order. The type of a source is printed as its result type.
    public var attributes: [NamedAttribute] { family.text.attributes }

    package var traits: OpTraits { family.traits }

    /// Types of the results for operands of these types; throws when the op can't take them.
    package func resultTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        let types = try family.types(operands)
        for type in types { try type.check() }
        return types
    }

    /// Gradients with respect to the operands, in operand order; `nil` where there is none to have (integers,
    /// constants). Called only when at least one cotangent is present.
    package func operandGradients(_ rule: VJP) throws(IRError) -> [Tensor?] { try family.gradients(rule) }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        family.iteration(operands, results)
    }
}

/// What a gradient rule sees: the node's operands and results in the graph being built, and the gradients that
/// arrived at its results.
public struct VJP {
    /// Appends the nodes of the gradient.
    public let builder: GraphBuilder
    /// The node's operands.
    public let operands: [Tensor]
    /// The node's results.
    public let results: [Tensor]
    /// One per result; `nil` where nothing depends on that result.
    public let cotangents: [Tensor?]
    /// Which operands need a gradient; a rule may skip the others.
    public let needed: [Bool]

    package init(
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
