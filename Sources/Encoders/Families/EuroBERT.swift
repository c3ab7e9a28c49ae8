import Support

/// EuroBERT (Boizard et al., arXiv:2503.05500): Llama's layers that see both sides: RMSNorm before each part, rotary positions, heads
/// that share keys and values, gated feed-forward parts, no biases unless the file says so.
package struct EuroBERT: EncoderFamily {
    package let modelType = "eurobert"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.vocabularySize, config.paddingID, config.maxPositions) = (128_256, 128_001, 8192)
        (config.activation, config.layerNormEpsilon, config.tieWordEmbeddings) = (.silu, 1e-5, false)
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        names: [.layerNormEpsilon: "rms_norm_eps", .attentionDropout: "attention_dropout"],
        ignored: [.tokenTypes, .hiddenDropout, .classifierDropout], refused: ConfigKeys.ownShapes,
        own: rotary.all + [keyValueHeads, headSize, attentionBias, feedForwardBias, pooling, oldPooling])

    private static let rotary = RotaryKeys(base: 10_000)
    private static let keyValueHeads = FamilyKey.integer("num_key_value_heads", 0, in: 1...Int(Int32.max))
        .orNull
    private static let headSize = FamilyKey.integer("head_dim", 0, in: 1...Int(Int32.max)).orNull
    private static let attentionBias = FamilyKey.flag("attention_bias", false)
    private static let feedForwardBias = FamilyKey.flag("mlp_bias", false)
    private static let pooling = FamilyKey.choice(
        "classifier_pooling", Pooling.unsaid, of: [.first, .mean, .late])
    /// What the models' own code calls it.
    private static let oldPooling = FamilyKey.choice("clf_pooling", Pooling.late, of: [.first, .mean, .late])

    /// How a classifier of sequences makes one vector of a sequence's states.
    private enum Pooling: String {
        case first = "bos"
        case mean
        /// The mean of the logits of all tokens, which is the classifier of the mean of what it reads.
        case late
        case unsaid = ""
    }

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "EuroBertModel", .sequenceClassification: "EuroBertForSequenceClassification",
        .tokenClassification: "EuroBertForTokenClassification", .maskedLanguageModel: "EuroBertForMaskedLM",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        if let found = FieldProblem(headSize: Self.headSize, of: config) { return found }
        let groups = config[Self.keyValueHeads]
        if groups != 0, config.heads % groups != 0 {
            return FieldProblem(
                Self.keyValueHeads.name,
                "is \(groups), which does not divide num_attention_heads (\(config.heads))")
        }
        return RotaryFields.problem(with: config)
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.useLlamaLayers(
            EncoderSpec.Norm(.rms, epsilon: config.layerNormEpsilon), Self.rotary.rotary(of: config),
            attentionBiases: config[Self.attentionBias], feedForwardBiases: config[Self.feedForwardBias])
        let groups = config[Self.keyValueHeads]
        for index in spec.layers.indices {
            spec.layers[index].attention.keyValueHeads = groups == 0 ? nil : groups
        }
        let pooling = config[Self.pooling] == .unsaid ? config[Self.oldPooling] : config[Self.pooling]
        spec.heads.sequence.transform = EncoderSpec.Transform(name: "classifier", activation: .gelu)
        spec.heads.sequence.pooling = pooling == .first ? .cls : .mean
        spec.heads.sequence.poolsTransformed = pooling == .late
        spec.heads.maskedLM?.transform = nil
        spec.heads.maskedLM?.bias = config[Self.feedForwardBias] ? EncoderSpec.MaskedLM.sharedBias : nil
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "model", encoder: ["embed_tokens", "layers", "norm"],
            rules: .llamaMatrices + [
                .rename("embeddings.word_embeddings", "embed_tokens"),
                .rename("encoder.layer.*.attention.output.LayerNorm", "layers.*.input_layernorm"),
                .rename("encoder.layer.*.output.LayerNorm", "layers.*.post_attention_layernorm"),
                .rename("encoder.LayerNorm", "norm"),
                .rename("classifier.dense", "dense"),
                .rename("cls.predictions.decoder.weight", "lm_head.weight"),
                .rename("cls.predictions.bias", "lm_head.bias"),
            ])
    }
}
