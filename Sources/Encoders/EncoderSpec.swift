import GraphIR

/// An encoder's shape and arithmetic, free of the family that it comes from: what the graph is written from.
///
/// Families fill it in from a configuration; nothing that reads it asks which family that was.
package struct EncoderSpec: Sendable {
    /// The graph's name.
    package var name: String
    /// Width of the token states.
    package var width: Int
    package var embeddings: Embeddings
    package var layers: [Layer]
    /// After the last layer.
    package var finalNorm: Norm?
    package var heads: Heads
    /// How token states become one vector where no modules say it.
    package var pooling: EncoderPooling

    /// A LayerNorm.
    package struct Norm: Sendable {
        package var epsilon: Double
    }

    /// The sum of tables' rows, normalised, then brought to the layers' width where it is another one.
    package struct Embeddings: Sendable {
        /// Rows of the table of tokens.
        package var vocabulary: Int
        /// The token whose row stays 0 until it is trained.
        package var padding: Int?
        /// Columns of the tables.
        package var width: Int
        package var positions: Positions
        /// Rows of the table of token types; nil without one.
        package var tokenTypes: Int?
        package var norm: Norm
        package var dropout: Double
    }

    /// A table with one row for each position in a sequence.
    package struct Positions: Sendable {
        package var rows: Int
        /// The row of the first token.
        package var offset = 0
        /// Whether fresh rows are sinusoids (Vaswani et al., arXiv:1706.03762).
        package var areSinusoids = false

        /// The tokens of a sequence for which there are rows.
        package var count: Int { rows - offset }
    }

    /// Self-attention and a feed-forward part, each with a residual connection and a norm.
    package struct Layer: Sendable {
        package var normPosition: NormPosition
        package var norm: Norm
        package var attention: Attention
        package var feedForward: FeedForward
        /// The share of sequences in which training leaves each residual branch out.
        package var stochasticDepth: Double
    }

    package struct Attention: Sendable {
        /// The layer by whose name the parameters are called; several layers may share them.
        package var owner: Int
        package var heads: Int
        /// Keys that tokens attend to; nil for all of their sequence.
        package var mask: AttentionMask?
        package var hasBiases = true
        /// Dropout on the weights.
        package var dropout: Double
        package var outputDropout: Double
    }

    package struct FeedForward: Sendable {
        /// The layer by whose name the parameters are called.
        package var owner: Int
        /// Width between the two matrices.
        package var width: Int
        package var activation: EncoderActivation
        /// Whether the first matrix has twice as many rows, and the activated first half of its result is multiplied by
        /// the second half (Shazeer, arXiv:2002.05202).
        package var isGated = false
        package var hasBiases = true
        package var outputDropout: Double
    }

    /// The shapes of the heads; nil where a family has none.
    package struct Heads: Sendable {
        package var sequence: Pooler
        /// Dropout before the classifier of each token.
        package var tokenDropout: Double
        package var maskedLM: MaskedLM?
        /// Whether there is a classifier of pairs on the pooler.
        package var nextSentence = false
        package var discriminator: EncoderActivation?
    }

    /// dropout → dense → activation → dropout of the first token's state, before a sequence's classifier.
    package struct Pooler: Sendable {
        package var inputDropout = 0.0
        package var activation: EncoderActivation
        package var dropout: Double
    }

    /// dense → activation → norm → decoder, of the tables' width.
    package struct MaskedLM: Sendable {
        package var activation: EncoderActivation
        package var norm: Norm
        /// Whether the decoder is the table of tokens.
        package var isTied: Bool
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
    package init(_ config: EncoderConfig, name: String) {
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
