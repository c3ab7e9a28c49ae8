/// Where the LayerNorms of an encoder layer stand.
public enum NormPosition: String, Sendable, CaseIterable {
    /// Before each sublayer, with one more LayerNorm after the last layer: trains more easily from scratch.
    case pre
    /// After each residual sum, as in the original BERT and in every Hugging Face checkpoint.
    case post
}

/// How the token states of a sequence become one vector, under sentence-transformers' names; padding is left out of all.
public enum EncoderPooling: String, Sendable, CaseIterable {
    /// The state of the first token, `[CLS]`.
    case cls
    /// The greatest of the states' elements, each for itself.
    case max
    /// The mean of the states.
    case mean
    /// The sum of the states over the root of their number.
    case meanSqrtLength = "mean_sqrt_len_tokens"
    /// The mean of the states, the first with weight 1, the second with weight 2, and so on.
    case weightedMean = "weightedmean"
    /// The state of the last token, `[SEP]`.
    case lastToken = "lasttoken"
}

/// What a classification head is trained for.
public enum ProblemType: String, Sendable, CaseIterable {
    /// One number (or several) per sequence; mean squared error.
    case regression
    /// One class per sequence; softmax cross-entropy.
    case singleLabel = "single_label_classification"
    /// Any number of classes per sequence; one sigmoid each.
    case multiLabel = "multi_label_classification"
}

/// The kind of model that a checkpoint holds: it decides which head stands on the encoder and, with the family, which
/// Hugging Face class loads it.
public enum EncoderArchitecture: Sendable, CaseIterable {
    /// The encoder, and its pooler where the family has one.
    case encoder
    /// A classifier of the first token's state; regression is its `problem_type`.
    case sequenceClassification
    /// A linear layer on every hidden state.
    case tokenClassification
    /// Two logits for every token, of the start and the end of an answer.
    case questionAnswering
    /// One logit for every sequence, of which the greatest of an example's is chosen.
    case multipleChoice
    /// Transform, LayerNorm and a decoder tied to the word embeddings.
    case maskedLanguageModel
    /// The head of a masked language model, and a linear layer on the pooled output that tells whether texts follow.
    case pretraining
    /// A linear layer on the pooled output that tells whether texts follow.
    case nextSentencePrediction
    /// A classifier of each token that tells whether it was replaced.
    case discriminator
}
