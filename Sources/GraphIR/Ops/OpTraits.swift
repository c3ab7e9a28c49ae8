/// What passes, lowering and the interpreter ask of an op besides what it computes.
///
/// No field has a default: the memberwise initialiser is the checklist for a new op.
package struct OpTraits: Sendable {
    /// How many results the op has.
    package let results: Int
    /// Whether nodes with the same op and operands compute the same, so that one of them can stand for all.
    package let merges: Bool
    package let folding: Folding
    /// Whether the elements of each result depend on the elements at the same place of the operands, which they may be
    /// written over.
    package let isElementWise: Bool
    /// Operands that a kernel over rows uses by their address, not element by element.
    package let byAddress: Range<Int>
    /// Operands that mixed precision multiplies in low precision.
    package let lowPrecision: Range<Int>
    /// What integers among the operands are.
    package let integers: [IntegerOperand]
    package let work: Work
    /// The op's part of a region's name where it is not the mnemonic: the field's word.
    package let word: String?
    /// The stream from which the op draws dropout's random words, if it draws any.
    package let dropoutStream: Int?

    /// What constant folding does with a node of constants.
    package enum Folding: Sendable {
        /// Nothing: the node is as small as its value, or means nothing on constants.
        case never
        /// Computes results of few elements.
        case small
        /// Keeps a splat a splat of the same number: the op moves elements. Else as `small`.
        case moved
        /// Keeps splats a splat of the op's result for scalars. Else as `small`.
        case elements
    }

    /// About what computing the op takes.
    package enum Work: Sendable {
        /// No kernel at all: a source, or another view of the operand.
        case none
        /// Vector operations for each element of the first result.
        case elements(Int)
        /// A sum of products for each element of the first result.
        case products(depth: OperandExtent)
        /// Products of each row with about all rows of its sequence, so many of them.
        case attention(products: Int)
    }
}

/// An operand of integers and what they are used as.
package struct IntegerOperand: Sendable {
    package enum Use: Sendable {
        /// Ids, labels and limits: 0 or more, below this.
        case below(OperandExtent)
        /// Where sequences start among so many tokens.
        case offsets(tokens: OperandExtent)
        /// Real rows of sequences, at most `limit`.
        case lengths(tokens: OperandExtent, limit: Dimension?)
    }

    package let position: Int
    package let use: Use

    init(_ position: Int, _ use: Use) {
        self.position = position
        self.use = use
    }

    /// Offsets and lengths of packed sequences, which stand next to each other.
    static func segments(at position: Int, tokens: OperandExtent, limit: Dimension? = nil) -> [Self] {
        [
            IntegerOperand(position, .offsets(tokens: tokens)),
            IntegerOperand(position + 1, .lengths(tokens: tokens, limit: limit)),
        ]
    }
}

/// An extent that an op's attributes name or that an operand has.
package enum OperandExtent: Sendable {
    case attribute(Dimension)
    /// Axis `axis` of an operand, counted from the end where it is negative, and `plus` more.
    case axis(Int, operand: Int, plus: Int = 0)

    package func dimension(_ operands: [TensorType]) -> Dimension {
        switch self {
        case .attribute(let dimension): return dimension
        case .axis(let axis, let operand, let plus):
            let shape = operands[operand].shape
            return shape[axis < 0 ? shape.count + axis : axis] + plus
        }
    }
}
