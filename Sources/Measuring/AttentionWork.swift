import GraphCompiler

/// Attention of some tokens in sequences of one length.
package struct AttentionWork {
    /// How the graph says it.
    package enum Form {
        /// The op `flash_attention` and its gradient.
        case flash
        /// Products, softmax and dropout with their gradients, in fp32. Scores are stored unless the compiler finds
        /// attention in it.
        case plain
    }

    package var form = Form.flash
    package let precision: Precision
    /// A multiple of `length`.
    package var tokens = 4096
    package let length: Int
    package var heads = 12
    package var headSize = 64
    package let dropout: Double
    /// Forward and backward; else forward alone.
    package let isTraining: Bool

    package init(precision: Precision, length: Int, dropout: Double, isTraining: Bool) {
        (self.precision, self.length) = (precision, length)
        (self.dropout, self.isTraining) = (dropout, isTraining)
    }

    package var sequences: Int { tokens / length }

    /// Two products forward and four backward, a multiply-add being two FLOPs; scores that are computed again
    /// don't count.
    package var flops: Double { Double((isTraining ? 12 : 4) * tokens * length * heads * headSize) }
}
