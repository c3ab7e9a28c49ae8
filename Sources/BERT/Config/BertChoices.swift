/// The activation of the feed-forward layers, under its Hugging Face name.
public enum BertActivation: String, Sendable, CaseIterable {
    /// `x · Φ(x)` with the exact error function.
    case gelu
    /// GELU in its tanh approximation.
    case geluNew = "gelu_new"
    /// `max(x, 0)`.
    case relu
    /// `x · sigmoid(x)`, also called swish.
    case silu

    /// Other names that Hugging Face has for the same functions.
    package static let aliases: [String: BertActivation] = ["swish": .silu, "gelu_pytorch_tanh": .geluNew]
}

/// Where the LayerNorms of an encoder layer stand.
public enum BertNormPosition: String, Sendable, CaseIterable {
    /// Before each sublayer, with one more LayerNorm after the last layer: trains more easily from scratch.
    case pre
    /// After each residual sum, as in the original BERT and in every Hugging Face checkpoint.
    case post
}

/// How the token states of a sequence become one vector.
public enum BertPooling: String, Sendable, CaseIterable {
    /// The state of the first token, `[CLS]`.
    case cls
    /// The mean of the states of the sequence's tokens, padding left out.
    case mean
}

/// What a classification head is trained for.
public enum BertProblemType: String, Sendable, CaseIterable {
    /// One number (or several) per sequence; mean squared error.
    case regression
    /// One class per sequence; softmax cross-entropy.
    case singleLabel = "single_label_classification"
    /// Any number of classes per sequence; one sigmoid each.
    case multiLabel = "multi_label_classification"
}

/// The Hugging Face class that a checkpoint belongs to: it decides which head stands on the encoder and whether
/// the encoder's tensors carry the prefix `bert.` in the file.
public enum BertArchitecture: String, Sendable, CaseIterable {
    /// The encoder and its pooler, without a prefix.
    case encoder = "BertModel"
    /// A linear layer on the pooled output; regression is its `problem_type`.
    case sequenceClassification = "BertForSequenceClassification"
    /// A linear layer on every hidden state; there is no pooler.
    case tokenClassification = "BertForTokenClassification"
    /// Transform, LayerNorm and a decoder tied to the word embeddings.
    case maskedLanguageModel = "BertForMaskedLM"
    /// The head of `BertForMaskedLM`, and a linear layer on the pooled output that tells whether texts follow.
    case pretraining = "BertForPreTraining"

    /// What the encoder's tensors are prefixed with in a checkpoint of this class.
    package var prefix: String { self == .encoder ? "" : "bert." }
}
