import GraphIR

/// An encoder's shape and arithmetic, free of the family that it comes from: what the graph is written from.
///
/// Families fill it in from a configuration; nothing that reads it asks which family that was.
public struct EncoderSpec: Sendable {
    /// The graph's name.
    public var name: String
    /// Width of the token states.
    public var width: Int
    /// What tokens become before the first layer.
    public var embeddings: Embeddings
    /// The layers in order.
    public var layers: [Layer]
    /// The norm behind the last layer; nil without one.
    public var finalNorm: Norm?
    /// What stands on the encoder.
    public var heads: Heads
    /// How token states become one vector where no modules say it.
    public var pooling: EncoderPooling

    /// A LayerNorm.
    public struct Norm: Sendable {
        /// What is added to the variance.
        public var epsilon: Double

        /// A LayerNorm with this epsilon.
        public init(epsilon: Double) { self.epsilon = epsilon }
    }

    /// The sum of tables' rows, normalised, then brought to the layers' width where it is another one.
    public struct Embeddings: Sendable {
        /// Rows of the table of tokens.
        public var vocabulary: Int
        /// The token whose row stays 0 until it is trained.
        public var padding: Int?
        /// Columns of the tables.
        public var width: Int
        /// The table of positions.
        public var positions: Positions
        /// Rows of the table of token types; nil without one.
        public var tokenTypes: Int?
        /// The norm of the sum.
        public var norm: Norm
        /// Dropout on the normalised sum, in [0, 1).
        public var dropout: Double
    }

    /// A table with one row for each position in a sequence.
    public struct Positions: Sendable {
        /// The longest sequence, in tokens, plus `offset`.
        public var rows: Int
        /// The row of the first token.
        public var offset = 0
        /// Whether fresh rows are sinusoids (Vaswani et al., arXiv:1706.03762).
        public var areSinusoids = false

        /// The tokens of a sequence for which there are rows.
        public var count: Int { rows - offset }
    }

    /// Self-attention and a feed-forward part, each with a residual connection and a norm.
    public struct Layer: Sendable {
        /// Whether norms stand before or behind the residual additions.
        public var normPosition: NormPosition
        /// The norms of both parts.
        public var norm: Norm
        /// Self-attention.
        public var attention: Attention
        /// What follows it, for each token by itself.
        public var feedForward: FeedForward
        /// The share of sequences in which training leaves each residual branch out.
        public var stochasticDepth: Double
    }

    /// Self-attention of a layer.
    public struct Attention: Sendable {
        /// The layer by whose name the parameters are called; several layers may share them.
        public var owner: Int
        /// Heads, which divide the width.
        public var heads: Int
        /// Keys that tokens attend to; nil for all of their sequence.
        public var mask: AttentionMask?
        /// Whether the four matrices have biases.
        public var hasBiases = true
        /// Dropout on the probabilities, in [0, 1).
        public var dropout: Double
        /// Dropout on what is added to the residual, in [0, 1).
        public var outputDropout: Double
    }

    /// matrix → activation → matrix.
    public struct FeedForward: Sendable {
        /// The layer by whose name the parameters are called.
        public var owner: Int
        /// Width between the two matrices.
        public var width: Int
        /// What stands between the matrices.
        public var activation: EncoderActivation
        /// Whether the first matrix has twice as many rows, and the activated first half of its result is multiplied by
        /// the second half (Shazeer, arXiv:2002.05202).
        public var isGated = false
        /// Whether both matrices have biases.
        public var hasBiases = true
        /// Dropout on what is added to the residual, in [0, 1).
        public var outputDropout: Double
    }

    /// The shapes of the heads; nil where a family has none.
    public struct Heads: Sendable {
        /// What stands between the first token's state and a classifier of sequences.
        public var sequence: Pooler
        /// Dropout before the classifier of each token.
        public var tokenDropout: Double
        /// The head that predicts masked tokens.
        public var maskedLM: MaskedLM?
        /// Whether there is a classifier of pairs on the pooler.
        public var nextSentence = false
        /// The activation of the head that finds replaced tokens.
        public var discriminator: EncoderActivation?
    }

    /// dropout → dense → activation → dropout of the first token's state, before a sequence's classifier.
    public struct Pooler: Sendable {
        /// Dropout before the dense layer, in [0, 1).
        public var inputDropout = 0.0
        /// What stands behind the dense layer.
        public var activation: EncoderActivation
        /// Dropout before the classifier, in [0, 1).
        public var dropout: Double
    }

    /// dense → activation → norm → decoder, of the tables' width.
    public struct MaskedLM: Sendable {
        /// What stands behind the dense layer.
        public var activation: EncoderActivation
        /// The norm before the decoder.
        public var norm: Norm
        /// Whether the decoder is the table of tokens.
        public var isTied: Bool
    }

    /// Whether any dropout rate is positive, so that training draws random numbers.
    package var isRandom: Bool {
        let rates =
            [embeddings.dropout, heads.sequence.inputDropout, heads.sequence.dropout, heads.tokenDropout]
            + layers.flatMap {
                [
                    $0.attention.dropout, $0.attention.outputDropout, $0.feedForward.outputDropout,
                    $0.stochasticDepth,
                ]
            }
        return rates.contains { $0 > 0 }
    }
}

extension EncoderSpec {
    /// What a configuration says, read as BERT reads it; other families change what they do otherwise.
    /// - Parameters:
    ///   - config: sizes, rates and masks.
    ///   - name: what the graph is called.
    public init(_ config: EncoderConfig, name: String) {
        self.name = name
        width = config.hiddenSize
        let norm = Norm(epsilon: config.layerNormEpsilon)
        embeddings = Embeddings(
            vocabulary: config.vocabularySize, padding: config.paddingID, width: config.embeddingWidth,
            positions: Positions(rows: config.maxPositions), tokenTypes: config.tokenTypes, norm: norm,
            dropout: config.hiddenDropout)
        layers = (0..<config.layers).map { layer in
            func owner(_ part: LayerSharing.Part) -> Int {
                config.shareLayers.owner(of: part, in: layer, of: config.layers)
            }
            return Layer(
                normPosition: config.normPosition, norm: norm,
                attention: Attention(
                    owner: owner(.attention), heads: config.heads, mask: config.attentionMask(layer: layer),
                    dropout: config.attentionDropout, outputDropout: config.hiddenDropout),
                feedForward: FeedForward(
                    owner: owner(.feedForward), width: config.feedForwardSize, activation: config.activation,
                    outputDropout: config.hiddenDropout),
                stochasticDepth: config.stochasticDepth * Double(layer + 1) / Double(config.layers))
        }
        finalNorm = config.normPosition == .pre ? norm : nil
        let classifierDropout = config.effectiveClassifierDropout
        heads = Heads(
            sequence: Pooler(activation: .tanh, dropout: classifierDropout), tokenDropout: classifierDropout,
            maskedLM: MaskedLM(activation: config.activation, norm: norm, isTied: config.tieWordEmbeddings))
        pooling = config.pooling
    }
}
