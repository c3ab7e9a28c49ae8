/// The losses that compare texts, under sentence-transformers' names.
public enum LossName: String, Sendable, CaseIterable {
    /// Each anchor's positive among all texts of the batch.
    case multipleNegativesRanking = "MultipleNegativesRankingLoss"
    /// Pairs in the order of their scores.
    case coSENT = "CoSENTLoss"
    /// The cosine of a pair as its score.
    case cosineSimilarity = "CosineSimilarityLoss"
    /// Pairs with label 1 near, those with label 0 farther than the margin.
    case contrastive = "ContrastiveLoss"
    /// The same for the hard pairs of a batch.
    case onlineContrastive = "OnlineContrastiveLoss"
    /// The negative farther than the positive by the margin.
    case triplet = "TripletLoss"
    /// A teacher's difference between the positive and the negatives.
    case marginMSE = "MarginMSELoss"
    /// A teacher's vectors.
    case mse = "MSELoss"
    /// A document's label from its score.
    case binaryCrossEntropy = "BinaryCrossEntropyLoss"
    /// The documents of a query by their labels.
    case listNet = "ListNetLoss"

    /// Whether a task has it.
    func suits(_ task: TrainingTask) -> Bool {
        switch self {
        case .marginMSE: true
        case .binaryCrossEntropy, .listNet: task == .reranking
        case .multipleNegativesRanking, .coSENT, .cosineSimilarity, .contrastive, .onlineContrastive,
            .triplet, .mse:
            task == .embedding
        }
    }

    /// Whether the data have a number for each example, unless a teacher says it.
    var needsNumbers: Bool {
        switch self {
        case .multipleNegativesRanking, .triplet, .binaryCrossEntropy, .listNet: false
        case .coSENT, .cosineSimilarity, .contrastive, .onlineContrastive, .marginMSE, .mse: true
        }
    }

    /// Whether a teacher can take the place of numbers.
    var takesTeacher: Bool { self == .marginMSE || self == .mse }

    /// How many texts an example may have.
    var textCounts: ClosedRange<Int> {
        switch self {
        case .multipleNegativesRanking: 2...1000
        case .coSENT, .cosineSimilarity, .contrastive, .onlineContrastive: 2...2
        case .triplet: 3...3
        case .marginMSE: 3...1000
        case .mse: 1...1000
        case .binaryCrossEntropy, .listNet: 2...1000
        }
    }
}

extension LossName {
    /// What stands here for a loss that sentence-transformers has under another name; nil for others.
    static func hint(for name: String) -> String? {
        switch name {
        case "CachedMultipleNegativesRankingLoss":
            "use \"MultipleNegativesRankingLoss\" with 'miniBatchSize', which computes a large batch in pieces"
        case "MultipleNegativesSymmetricRankingLoss":
            "use \"MultipleNegativesRankingLoss\" with \"symmetric\": true"
        case "CachedMultipleNegativesSymmetricRankingLoss":
            "use \"MultipleNegativesRankingLoss\" with \"symmetric\": true and 'miniBatchSize'"
        case "MatryoshkaLoss": "set 'matryoshkaDims' beside the loss that is modified"
        case "CrossEntropyLoss", "SoftmaxLoss":
            "pairs with classes are the task \"classification\", whose loss it is"
        default:
            allCases.first { $0.spelling == folded(name) }.map { "did you mean \"\($0.rawValue)\"?" }
        }
    }

    private var spelling: String { Self.folded(rawValue) }

    /// Without case, `_` and the word loss.
    private static func folded(_ name: String) -> String {
        let letters = name.lowercased().filter(\.isLetter)
        return letters.hasSuffix("loss") ? String(letters.dropLast(4)) : letters
    }
}

/// How far apart two vectors are.
public enum DistanceMetric: String, Sendable, CaseIterable {
    case cosine, euclidean, manhattan
}
