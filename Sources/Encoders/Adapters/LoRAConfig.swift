import Foundation
import Support

/// A low-rank adapter (LoRA: Hu et al., arXiv:2106.09685). Beside the weights W of each chosen linear layer, which stay as they
/// are, it has A [rank, inputs] and B [outputs, rank]: the layer gives x Wᵀ + scale · x Aᵀ Bᵀ.
///
/// The fields and their defaults are those of PEFT's `LoraConfig`.
public struct LoRAConfig: Sendable, Equatable {
    /// Rows of A and columns of B, `r`.
    public var rank = 8
    /// What the scale is made of, `lora_alpha`.
    public var alpha = 8.0
    /// Dropout on what A reads, in training, in [0, 1).
    public var dropout = 0.0
    /// The layers that get an adapter, by the names of modules in the model's files: whole names, their ends (`query`),
    /// globs on whole names, or `all-linear`. Empty for those that make queries and values.
    public var targetModules: [String] = []
    /// Modules that are trained themselves and saved with the adapter, by the ends of their names; nil for the classifier.
    public var modulesToSave: [String]?
    /// Whether the scale is alpha / √rank rather than alpha / rank (Kalajdzievski, arXiv:2312.03732), `use_rslora`.
    public var isRankStabilized = false
    /// Other values of alpha for modules whose names end as the patterns say, `alpha_pattern`.
    package var alphaPatterns: [(pattern: String, alpha: Double)] = []
    /// The rank of each layer that has an adapter, by its name without prefix, of an adapter that was read; what it holds stands
    /// above `targetModules`.
    package var ranks: [String: Int]?
    /// The file that it was read from, whose other members are kept.
    package var file = JSONObject()

    /// PEFT's defaults.
    public init() {}

    public static func == (a: LoRAConfig, b: LoRAConfig) -> Bool {
        a.rank == b.rank && a.alpha == b.alpha && a.dropout == b.dropout
            && a.targetModules == b.targetModules && a.modulesToSave == b.modulesToSave
            && a.isRankStabilized == b.isRankStabilized && a.ranks == b.ranks
            && a.alphaPatterns.map(\.pattern) == b.alphaPatterns.map(\.pattern)
            && a.alphaPatterns.map(\.alpha) == b.alphaPatterns.map(\.alpha)
    }

    /// What stands for every linear layer but the classifier.
    package static let allLinear = "all-linear"

    /// What x Aᵀ Bᵀ of a layer is multiplied by.
    func scale(of module: String, rank: Int) -> Double {
        let own = alphaPatterns.first { Self.ends(module, with: $0.pattern) }?.alpha ?? alpha
        return own / (isRankStabilized ? Double(rank).squareRoot() : Double(rank))
    }

    /// Whether a name, or its end behind a dot, is what a regular expression describes.
    private static func ends(_ module: String, with pattern: String) -> Bool {
        guard let expression = try? Regex("(.*\\.)?(\(pattern))") else { return false }
        return (try? expression.wholeMatch(in: module)) != nil
    }

    /// The modules that PEFT saves beside any adapter of a classifier.
    private static let classifiers = ["classifier", "score"]

    /// What is saved with the adapter of a kind of model.
    package func savedModules(of architecture: EncoderArchitecture) -> [String] {
        let own = modulesToSave ?? []
        let usual =
            switch architecture {
            case .sequenceClassification, .tokenClassification, .multipleChoice: Self.classifiers
            case .questionAnswering: ["qa_outputs"]
            case .encoder, .maskedLanguageModel, .pretraining, .nextSentencePrediction, .discriminator:
                [String]()
            }
        return own + usual.filter { !own.contains($0) }
    }
}
