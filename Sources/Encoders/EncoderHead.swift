/// What stands on top of the encoder.
public enum EncoderHead: Hashable, Sendable {
    /// The encoder's hidden states and one vector per sequence.
    case encoder
    /// `labels` classes for each sequence, from its first token.
    case classification(labels: Int)
    /// One number for each sequence, mean squared error.
    case regression
    /// Any number of `labels` classes for each sequence, one sigmoid each.
    case multiLabelClassification(labels: Int)
    /// One number for each sequence, of which the sequences of an example are told apart: softmax over them.
    case multipleChoice
    /// `labels` classes for each token, from its hidden state.
    case tokenClassification(labels: Int)
    /// For each token how probable it is that an answer starts and ends with it: softmax over the tokens of a sequence.
    case questionAnswering
    /// The vocabulary at masked positions, decoder tied to the word embeddings.
    case maskedLM
    /// Masked LM, and whether the second text of a pair follows the first, from the pooler.
    case pretraining
    /// Whether the second text of a pair follows the first, from the pooler.
    case nextSentencePrediction
    /// Whether each token was replaced by another one (ELECTRA: Clark et al., arXiv:2003.10555).
    case discriminator

    /// The head of a kind of model. One class without a kind of problem is a regression, as in Transformers.
    package init(of architecture: EncoderArchitecture, _ problem: ProblemType?, labels: Int) {
        self =
            switch architecture {
            case .encoder: .encoder
            case .maskedLanguageModel: .maskedLM
            case .pretraining: .pretraining
            case .discriminator: .discriminator
            case .nextSentencePrediction: .nextSentencePrediction
            case .multipleChoice: .multipleChoice
            case .questionAnswering: .questionAnswering
            case .tokenClassification: .tokenClassification(labels: labels)
            case .sequenceClassification:
                switch problem {
                case .multiLabel: .multiLabelClassification(labels: labels)
                case .regression: .regression
                case .singleLabel: .classification(labels: labels)
                case nil: labels == 1 ? .regression : .classification(labels: labels)
                }
            }
    }

    /// The kind of model that has this head.
    package var architecture: EncoderArchitecture {
        switch self {
        case .encoder: .encoder
        case .classification, .regression, .multiLabelClassification: .sequenceClassification
        case .multipleChoice: .multipleChoice
        case .questionAnswering: .questionAnswering
        case .nextSentencePrediction: .nextSentencePrediction
        case .tokenClassification: .tokenClassification
        case .maskedLM: .maskedLanguageModel
        case .pretraining: .pretraining
        case .discriminator: .discriminator
        }
    }

    /// The outputs of the training graph that add up to the loss, each a mean over examples of its own.
    package var lossTerms: [String] {
        self == .pretraining ? ["masked_lm_loss", "next_sentence_loss"] : ["loss"]
    }
}
