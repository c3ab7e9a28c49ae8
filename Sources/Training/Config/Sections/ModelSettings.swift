import Encoders

/// The model: where it comes from, and what of it a run changes or keeps.
public struct ModelSettings: Sendable, Equatable {
    /// A model directory with weights, or a `model.json` for fresh parameters. Required.
    public var path = ""
    /// A directory, `vocab.txt` or `tokenizer.json`; the model's directory when `nil`.
    public var tokenizer: String?
    /// Replace the model's own dropout rates, in [0, 1).
    public var hiddenDropout: Double?
    /// Dropout on attention probabilities, 0 to 1; the model's own when `nil`.
    public var attentionDropout: Double?
    /// Dropout before the classifier, 0 to 1; the model's own when `nil`.
    public var classifierDropout: Double?
    /// Replaces the model's own rate of stochastic depth, in [0, 1).
    public var stochasticDepth: Double?
    /// Replace what a `model.json` says about sharing and about the embeddings' width.
    public var shareLayers: LayerSharing?
    /// Width of the embedding tables, projected to the model's; the model's own when `nil`.
    public var embeddingSize: Int?
    /// Globs on parameter names, modules, ranges of layers; what they match is not trained.
    public var freeze: [String] = []
}

extension ModelSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] { sourceFields + changeFields }

    /// Where the model comes from.
    static var sourceFields: [ConfigField<Self>] {
        [
            .init(
                "model", \.path,
                "Required. A model directory in Hugging Face's layout, whose weights are fine-tuned; or the path of a "
                    + "`model.json`, to train from fresh parameters.",
                expectation: "the path of a model directory or of a model.json", isPath: true
            ) { !$0.isEmpty },
            .init(
                "tokenizer", \.tokenizer,
                "A directory, `vocab.txt` or `tokenizer.json`; null is the model's directory.", isPath: true),
        ]
    }

    /// What a run changes or keeps.
    static var changeFields: [ConfigField<Self>] {
        [
            .init(
                dropout: "hiddenDropout", \.hiddenDropout,
                "Dropout on hidden states; null is the model's own. Refused where a family has rates of other names "
                    + "(`embedding_dropout` and `mlp_dropout` of ModernBERT) or none."),
            .init(
                dropout: "attentionDropout", \.attentionDropout,
                "Dropout on attention probabilities; null is the model's own."),
            .init(
                dropout: "classifierDropout", \.classifierDropout,
                "Dropout before the classifier; null is the model's own. Refused where a family has no such rate."
            ),
            .init(
                dropout: "stochasticDepth", \.stochasticDepth,
                "The share of sequences in which a step leaves out a residual branch of the last layer, growing "
                    + "linearly from layer to layer; null is the model's own."),
            .init(
                "shareLayers", \.shareLayers,
                "Which parameters the layers share ([memory.md](memory.md)); null is the model's own. Weights that "
                    + "were trained otherwise are refused."),
            .init(
                "embeddingSize", \.embeddingSize,
                "Width of the embedding tables, projected to the model's; null is the model's own. Weights of "
                    + "another width are refused.", atLeast: 1),
            .init(
                "freeze", \.freeze,
                "What is not trained: globs (`*`, `?`, `[...]`) on names such as `encoder.layer.0.output.dense.weight`, modules "
                    + "(`embeddings`), ranges of layers (`encoder.layer.0-3`)."),
        ]
    }
}
