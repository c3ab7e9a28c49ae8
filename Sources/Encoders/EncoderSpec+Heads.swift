extension EncoderSpec {
    /// The shapes of the heads; nil where a family has none.
    public struct Heads: Sendable {
        /// What stands between the tokens' states and a classifier of sequences.
        public var sequence: SequenceHead
        /// What stands between a token's state and a classifier of tokens.
        public var token: TokenHead
        /// What stands between a token's state and the logits of an answer's ends.
        public var question: TokenHead
        /// What stands between the tokens' states and the logit of a choice; nil without one.
        public var choice: SequenceHead?
        /// The head that predicts masked tokens.
        public var maskedLM: MaskedLM?
        /// The classifier of pairs of texts.
        public var pair: PairHead?
        /// The activation of the head that finds replaced tokens.
        public var discriminator: EncoderActivation?
    }

    /// dense → activation → norm. Heads that name the same one share its parameters.
    public struct Transform: Sendable {
        /// The module that its parameters belong to, such as `pooler`.
        public var name: String
        /// Whether the dense layer has a bias.
        public var hasBias = true
        /// What stands behind the dense layer.
        public var activation: EncoderActivation
        /// What stands behind the activation; nil without one.
        public var norm: Norm?

        /// A dense layer with a bias, and an activation.
        public init(name: String, activation: EncoderActivation, norm: Norm? = nil) {
            self.name = name
            self.activation = activation
            self.norm = norm
        }
    }

    /// pooling → dropout → transform → dropout → classifier.
    public struct SequenceHead: Sendable {
        /// How token states become one vector.
        public var pooling = EncoderPooling.cls
        /// Whether each token's state is transformed by itself, and pooled then.
        public var poolsTransformed = false
        /// Dropout before the transform, in [0, 1).
        public var inputDropout = 0.0
        /// The layer before the classifier.
        public var transform: Transform
        /// Dropout before the classifier, in [0, 1).
        public var dropout: Double
    }

    /// transform → dropout → classifier.
    public struct TokenHead: Sendable {
        /// The layer before the classifier; nil without one.
        public var transform: Transform?
        /// Dropout before the classifier, in [0, 1).
        public var dropout: Double
        /// The classifier's name.
        public var name = "classifier"
    }

    /// transform to the tables' width → decoder.
    public struct MaskedLM: Sendable {
        /// The layer before the decoder; nil without one.
        public var transform: Transform?
        /// Whether the decoder is the table of tokens.
        public var isTied: Bool
        /// The parameter that the decoder adds; nil when it adds none.
        public var bias: String?

        /// What a decoder adds that has a bias of its own, and what one adds that shares the head's.
        package static let (ownBias, sharedBias) = ("cls.predictions.decoder.bias", "cls.predictions.bias")
    }

    /// The transform of a sequence's head → dropout → classifier with two outputs.
    public struct PairHead: Sendable {
        /// Dropout before the classifier, in [0, 1).
        public var dropout: Double
        /// Whether the second class is that of swapped texts, not of a second one from elsewhere.
        public var learnsOrder: Bool

        /// A classifier of texts that follow each other or not.
        public init(dropout: Double = 0, learnsOrder: Bool = false) {
            self.dropout = dropout
            self.learnsOrder = learnsOrder
        }
    }
}
