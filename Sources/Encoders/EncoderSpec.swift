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
    /// What all layers add to their scores for the distance of query and key; nil without.
    public var relativePositions: RelativePositions?
    /// The keys and queries that distances have in all layers; nil without.
    public var disentangledPositions: DisentangledPositions?
    /// What stands on the encoder.
    public var heads: Heads
    /// How token states become one vector where no modules say it.
    public var pooling: EncoderPooling

    /// A LayerNorm or RMSNorm.
    public struct Norm: Sendable {
        /// Which of them.
        public var kind: Op.Norm
        /// What is added to the variance, or to the mean of squares.
        public var epsilon: Double
        /// Whether a LayerNorm adds a bias; an RMSNorm has none.
        public var hasBias: Bool

        /// A LayerNorm with this epsilon, unless another kind is given.
        public init(_ kind: Op.Norm = .layer, epsilon: Double, hasBias: Bool = true) {
            self.kind = kind
            self.epsilon = epsilon
            self.hasBias = hasBias
        }
    }

    /// The sum of tables' rows, normalised, then brought to the layers' width where it is another one.
    public struct Embeddings: Sendable {
        /// Rows of the table of tokens.
        public var vocabulary: Int
        /// The token whose row stays 0 until it is trained.
        public var padding: Int?
        /// Columns of the tables.
        public var width: Int
        /// Whether a linear layer stands between the tables and the layers; there must be one for tables of another width.
        public var isProjected: Bool
        /// The positions, and their table.
        public var positions: Positions
        /// Rows of the table of token types; nil without one.
        public var tokenTypes: Int?
        /// The norm of the sum; nil without one.
        public var norm: Norm?
        /// Dropout on the normalised sum, in [0, 1).
        public var dropout: Double
    }

    /// The positions in a sequence, with one row of a table for each.
    public struct Positions: Sendable {
        /// Whether there is a table; without one layers know positions by themselves (`Rotary`).
        public var hasTable = true
        /// The longest sequence, in tokens, plus `offset`.
        public var rows: Int
        /// The row of the first token. The row before it is that of the padding token, whose id is the row's number.
        public var offset = 0
        /// Whether fresh rows are sinusoids (Vaswani et al., arXiv:1706.03762).
        public var areSinusoids = false

        /// The tokens of a sequence for which there are rows.
        public var count: Int { rows - offset }

        /// The padding token where it takes no position: wherever it stands, it has the row before the first, and the
        /// tokens behind it count on without it, as in Transformers' `create_position_ids_from_input_ids`.
        package var uncountedToken: Int32? { offset > 0 ? Int32(offset - 1) : nil }
    }

    /// A learned number for each head and bucket of distances, which is added to the scores (Raffel et al.,
    /// arXiv:1910.10683, in both directions).
    public struct RelativePositions: Sendable {
        /// Buckets, one half for keys before the query and one for those behind.
        public var buckets: Int
        /// The distance from which on all are in the last bucket of their direction.
        public var maxDistance: Int

        /// So many buckets, up to this distance.
        public init(buckets: Int, maxDistance: Int) {
            self.buckets = buckets
            self.maxDistance = maxDistance
        }
    }

    /// A learned vector for each distance of query and key, of which every layer makes keys that meet its queries, queries
    /// that meet its keys, or both (He et al., arXiv:2006.03654). Far distances may share a vector, the more of them the
    /// farther they are (arXiv:2111.09543).
    public struct DisentangledPositions: Sendable {
        /// What is made of the vectors.
        public var terms: RelativeTerms
        /// Distances from -`span` on have vectors of their own up to `span` - 1, after they were put in buckets; others share
        /// the last one of their direction.
        public var span: Int
        /// The buckets of a direction, and the distance at which they end; nil where every distance has its own.
        public var buckets: Buckets?
        /// The norm of the vectors; nil without.
        public var norm: Norm?
        /// Whether keys and queries of distances are made by the matrices that make those of tokens.
        public var sharesProjections: Bool
        /// Dropout on the vectors, anew in each layer, in [0, 1).
        public var dropout: Double

        /// Buckets of distances.
        public struct Buckets: Sendable {
            /// Buckets of a direction; the first half of them has one distance each.
            public var count: Int
            /// The distance at which they end.
            public var maxDistance: Int

            /// So many buckets, up to a distance.
            public init(count: Int, maxDistance: Int) {
                self.count = count
                self.maxDistance = maxDistance
            }
        }

        /// Vectors for distances below `span` in either direction.
        public init(
            terms: RelativeTerms, span: Int, buckets: Buckets? = nil, norm: Norm? = nil,
            sharesProjections: Bool = false, dropout: Double = 0
        ) {
            self.terms = terms
            self.span = span
            self.buckets = buckets
            self.norm = norm
            self.sharesProjections = sharesProjections
            self.dropout = dropout
        }
    }

    /// Queries and keys that are turned by their positions (Su et al., arXiv:2104.09864): element i and element i + n / 2 of a
    /// head of size n by the angle position · base^(-2i / n) / factor.
    public struct Rotary: Sendable, Hashable {
        /// The base of the angles, also called theta.
        public var base: Double
        /// What all angles are divided by, so that longer sequences have those of shorter ones (linear scaling).
        public var factor: Double

        /// Angles with this base.
        public init(base: Double, factor: Double = 1) {
            self.base = base
            self.factor = factor
        }
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
        /// Heads that keys and values have, each for as many consecutive ones of the queries (Ainslie et al.,
        /// arXiv:2305.13245); they divide `heads`. Nil is as many.
        public var keyValueHeads: Int?
        /// Whether it has a norm, before or behind it.
        public var hasNorm = true
        /// Keys that tokens attend to; nil for all of their sequence.
        public var mask: AttentionMask?
        /// How queries and keys are turned by their positions; nil when they are not.
        public var rotary: Rotary?
        /// What scores are multiplied by; nil for 1/√(width / heads).
        public var scale: Double?
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
        /// Whether the first matrix has a bias.
        public var hasInnerBias = true
        /// Whether the second matrix has a bias.
        public var hasOutputBias = true
        /// Dropout before the second matrix, in [0, 1).
        public var innerDropout = 0.0
        /// Dropout on what is added to the residual, in [0, 1).
        public var outputDropout: Double
    }

    /// Whether any dropout rate is positive, so that training draws random numbers.
    package var isRandom: Bool {
        let rates =
            [
                embeddings.dropout, heads.sequence.inputDropout, heads.sequence.dropout, heads.token.dropout,
                heads.pair?.dropout ?? 0, disentangledPositions?.dropout ?? 0,
            ]
            + layers.flatMap {
                [
                    $0.attention.dropout, $0.attention.outputDropout, $0.feedForward.innerDropout,
                    $0.feedForward.outputDropout, $0.stochasticDepth,
                ]
            }
        return rates.contains { $0 > 0 }
    }
}
