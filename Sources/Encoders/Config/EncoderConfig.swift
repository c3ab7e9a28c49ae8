import GraphIR
import Support

/// Everything that fixes the shape and the arithmetic of an encoder: a BERT, or a model of the family that `modelType` names.
///
/// The file form is a superset of a Hugging Face `config.json`: the family's keys, plus `pooling` and `stochastic_depth`, and
/// for BERT `norm_position`, `attention_mask`, `share_layers` and `embedding_size`.
/// Fields that a file leaves out have Hugging Face's defaults; those of BERT-base are the defaults here too.
///
/// ```swift
/// let config = try EncoderConfig(contentsOf: URL(filePath: "data/minilm"))
/// print(config.hiddenSize, config.headSize)  // 384 32
/// ```
public struct EncoderConfig: Sendable, Equatable {
    /// `vocab_size`: rows of the word embedding.
    public var vocabularySize = 30522
    /// `hidden_size`: the width of every token state; a multiple of `heads`.
    public var hiddenSize = 768
    /// `num_hidden_layers`: encoder layers.
    public var layers = 12
    /// `num_attention_heads`.
    public var heads = 12
    /// `intermediate_size`: the width between the two feed-forward matrices.
    public var feedForwardSize = 3072
    /// `max_position_embeddings`: the longest sequence, in tokens.
    public var maxPositions = 512
    /// `type_vocab_size`: rows of the token type (segment) embedding, where the family has one.
    public var tokenTypes = 2
    /// `hidden_act`.
    public var activation = EncoderActivation.gelu
    /// `hidden_dropout_prob`: dropout on embeddings and on each sublayer's output, in [0, 1).
    public var hiddenDropout = 0.1
    /// `attention_probs_dropout_prob`: dropout on attention probabilities, in [0, 1).
    public var attentionDropout = 0.1
    /// `classifier_dropout`: dropout before the classifier; nil takes `hiddenDropout`.
    public var classifierDropout: Double?
    /// `stochastic_depth`: the share of sequences in which training leaves out a residual branch of the last layer, in
    /// [0, 1); it grows linearly from layer to layer.
    public var stochasticDepth = 0.0
    /// `layer_norm_eps`: added to the variance in every LayerNorm.
    public var layerNormEpsilon = 1e-12
    /// `initializer_range`: standard deviation of freshly initialised weights.
    public var initializerRange = 0.02
    /// `pad_token_id`: the id of `[PAD]`; nil when the vocabulary has none.
    public var paddingID: Int? = 0
    /// `tie_word_embeddings`: the masked-LM decoder shares the word embedding.
    public var tieWordEmbeddings = true
    /// `id2label`: the names of the classifier's outputs, in order; empty when the file names none.
    public var labels: [String] = []
    /// `problem_type`.
    public var problemType: ProblemType?
    /// `architectures`: the class names that the checkpoint was saved from.
    public var architectures: [String] = []
    /// `model_type`: the family, such as `bert` or `roberta`, in a Hugging Face file; nil is a BERT.
    public var modelType: String?
    /// `norm_position`: `post` for a Hugging Face file that says nothing, else `pre`.
    public var normPosition = NormPosition.pre
    /// `attention_mask`: the keys that each token may attend to. One mask for all layers, or one per layer; none when
    /// tokens attend to all of their sequence.
    public var attentionMasks: [AttentionMask] = []
    /// `share_layers`: what the layers have in common.
    public var shareLayers = LayerSharing.none
    /// `embedding_size`: the width of the embedding tables, which a linear layer brings to `hiddenSize` when it is
    /// another; nil is `hiddenSize`.
    public var embeddingSize: Int?
    /// `pooling`: how a plain encoder turns token states into a sentence vector.
    public var pooling = EncoderPooling.mean
    /// What was read otherwise than it may have been meant, one line each.
    var remarks: [String] = []
    /// Keys of the file that BERT does not have: those of the family (`FamilyKey`), and those that mean nothing here, kept so that
    /// saving does not lose them.
    public var unknownKeys: JSONObject = [:]

    /// A new BERT-base-sized model with pre-norm layers.
    public init() {}

    /// Width of one attention head: `hiddenSize / heads`.
    public var headSize: Int { hiddenSize / heads }

    /// The mask of all layers; nil when there is none, and when each layer has its own.
    public var attentionMask: AttentionMask? {
        get { attentionMasks.count == 1 ? attentionMasks[0] : nil }
        set { attentionMasks = newValue.map { [$0] } ?? [] }
    }

    /// The mask of a layer.
    package func attentionMask(layer: Int) -> AttentionMask? {
        attentionMasks.count > 1 ? attentionMasks[layer] : attentionMasks.first
    }

    /// The longest sequence that all masks are for; nil when they are defined at any length.
    package var maskSize: Int? { attentionMasks.compactMap(\.size).min() }

    /// The positions that a sequence may have: all rows of the table, but for those before the first token's.
    public var positionCount: Int { family.spec(of: self).embeddings.positions.count }

    /// The token that takes no position in a sequence (`EncoderSpec.Positions`); nil when all do.
    package var uncountedToken: Int32? { family.spec(of: self).embeddings.positions.uncountedToken }

    /// Tokens of a sequence at most: the positions, or what the masks are for.
    public var longestSequence: Int { min(positionCount, maskSize ?? .max) }

    /// The layers that run one after another: `layers`, or a multiple in a family that repeats them.
    package var layerCount: Int { family.spec(of: self).layers.count }

    /// Whether pre-training asks for the order of two texts.
    package var learnsSentenceOrder: Bool { family.spec(of: self).heads.pair?.learnsOrder ?? false }

    /// Width of the embedding tables, after the fallback to `hiddenSize`.
    package var embeddingWidth: Int { embeddingSize ?? hiddenSize }

    /// Outputs of the classification head: one per label, 2 when nothing was said (as in Hugging Face).
    public var labelCount: Int { labels.isEmpty ? 2 : labels.count }

    /// Dropout before the classifier, after the fallback to `hiddenDropout`.
    package var effectiveClassifierDropout: Double { classifierDropout ?? hiddenDropout }

    /// The first of `architectures` that is known here; nil when there is none.
    public var architecture: EncoderArchitecture? {
        let family = family
        return architectures.lazy.compactMap { name in
            family.classes.first { $0.value == name }?.key
                ?? family.otherClasses.first { $0.value.contains(name) }?.key
        }.first
    }

    /// What to know about the file: keys that were not understood and look like misspelt ones, and values that were read
    /// otherwise than they may have been meant.
    public var warnings: [String] {
        remarks + misspeltKeys
    }

    private var misspeltKeys: [String] {
        let own = Set(family.keys.own.map(\.name))
        let legal = Key.allCases.map(name) + own
        return unknownKeys.sorted.names.compactMap { key in
            // Of another family than this one.
            if Key(rawValue: key) != nil || own.contains(key) { return nil }
            guard let nearest = nearestName(to: key, among: legal, limit: 2) else { return nil }
            return "'\(key)' is ignored; did you mean '\(nearest)'?"
        }
    }

    /// The keys that are understood in a file, each with the name that BERT has for it.
    public enum Key: String, CaseIterable, Sendable {
        /// Rows of the table of tokens.
        case vocabularySize = "vocab_size"
        /// Width of the token states.
        case hiddenSize = "hidden_size"
        /// Number of layers.
        case layers = "num_hidden_layers"
        /// Number of attention heads.
        case heads = "num_attention_heads"
        /// Width between the two feed-forward matrices.
        case feedForwardSize = "intermediate_size"
        /// Rows of the table of positions.
        case maxPositions = "max_position_embeddings"
        /// Rows of the table of token types.
        case tokenTypes = "type_vocab_size"
        /// Activation of the feed-forward layers.
        case activation = "hidden_act"
        /// Dropout on embeddings and on what layers add.
        case hiddenDropout = "hidden_dropout_prob"
        /// Dropout on attention probabilities.
        case attentionDropout = "attention_probs_dropout_prob"
        /// Dropout before the classifier.
        case classifierDropout = "classifier_dropout"
        /// What LayerNorm adds to the variance.
        case layerNormEpsilon = "layer_norm_eps"
        /// Standard deviation of fresh weights.
        case initializerRange = "initializer_range"
        /// The id of the token of padding.
        case paddingID = "pad_token_id"
        /// Whether the decoder of masked tokens is the table of tokens.
        case tieWordEmbeddings = "tie_word_embeddings"
        /// Names of the labels by id.
        case labelNames = "id2label"
        /// Ids of the labels by name.
        case labelIDs = "label2id"
        /// How many labels there are, where they have no names.
        case labelCount = "num_labels"
        /// Classification or regression.
        case problemType = "problem_type"
        /// Class names that the checkpoint was saved from.
        case architectures
        /// The family.
        case modelType = "model_type"
        /// Where norms stand.
        case normPosition = "norm_position"
        /// The keys that tokens attend to.
        case attentionMask = "attention_mask"
        /// What layers have in common.
        case shareLayers = "share_layers"
        /// Width of the tables, where it is not that of the states.
        case embeddingSize = "embedding_size"
        /// The share of residual branches that training leaves out.
        case stochasticDepth = "stochastic_depth"
        /// How token states become a sentence vector.
        case pooling
    }
}
