import Text

/// What a model is trained for.
public enum TrainingTask: Sendable, Hashable {
    /// One of the training data's labels for each text; cross-entropy.
    case classification
    /// Any number of the training data's labels for each text; binary cross-entropy of each.
    case multiLabelClassification
    /// One number for each text; mean squared error.
    case regression
    /// One of the training data's labels for each word; cross-entropy.
    case tokenClassification
    /// The part of a context that answers a question, or none; cross-entropy of its first and its last token.
    case questionAnswering
    /// Which of several texts belongs to a text; cross-entropy over the texts of an example.
    case multipleChoice
    /// A task of GLUE, on its own files: regression for STS-B, classification for the others.
    case glue(GlueTask)
    /// Masked LM and next-sentence prediction on plain text.
    case pretrain
    /// Vectors of texts, by what belongs together; a loss of sentence-transformers.
    case embedding
    /// A score for a query with a document, from both texts at once.
    case reranking
}

extension TrainingTask: RawRepresentable, CaseIterable {
    public static var allCases: [TrainingTask] {
        named + GlueTask.allCases.map(TrainingTask.glue)
    }

    private static let named: [TrainingTask] = [
        .classification, .multiLabelClassification, .regression, .tokenClassification, .questionAnswering,
        .multipleChoice, .pretrain, .embedding, .reranking,
    ]
    /// `glue/mrpc` for a task of GLUE.
    public var rawValue: String {
        switch self {
        case .classification: "classification"
        case .multiLabelClassification: "multi_label_classification"
        case .regression: "regression"
        case .tokenClassification: "token_classification"
        case .questionAnswering: "question_answering"
        case .multipleChoice: "multiple_choice"
        case .glue(let task): "glue/\(task.name)"
        case .pretrain: "pretrain"
        case .embedding: "embedding"
        case .reranking: "reranking"
        }
    }

    /// GLUE's tasks are found in any spelling that `GlueTask(named:)` knows.
    public init?(rawValue: String) {
        if rawValue.hasPrefix("glue/") {
            guard let task = GlueTask(named: String(rawValue.dropFirst("glue/".count))) else { return nil }
            self = .glue(task)
        } else if let task = Self.named.first(where: { $0.rawValue == rawValue }) {
            self = task
        } else if rawValue == "qa" {
            self = .questionAnswering
        } else {
            return nil
        }
    }

    /// Whether the files are GLUE's.
    var isGlue: Bool { if case .glue = self { true } else { false } }

    /// Whether the targets are numbers.
    package var isRegression: Bool {
        switch self {
        case .regression, .glue(.stsb): true
        case .classification, .multiLabelClassification, .tokenClassification, .questionAnswering,
            .multipleChoice,
            .glue, .pretrain, .embedding, .reranking:
            false
        }
    }

    /// Whether each example has one of several labels.
    var hasLabels: Bool {
        switch self {
        case .classification, .tokenClassification: true
        case .glue: !isRegression
        case .multiLabelClassification, .regression, .questionAnswering, .multipleChoice, .pretrain,
            .embedding,
            .reranking:
            false
        }
    }
}
