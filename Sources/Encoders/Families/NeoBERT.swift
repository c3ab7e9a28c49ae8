import Support

/// NeoBERT (Le Breton et al., arXiv:2502.19587): RMSNorm before each part, rotary positions, gated feed-forward parts of two thirds of
/// the stated width, no biases. Transformers has no class of its own for it; models bring their code.
package struct NeoBERT: EncoderFamily {
    package let modelType = "neobert"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.layers, config.maxPositions, config.layerNormEpsilon) = (28, 1024, 1e-6)
        (config.activation, config.tieWordEmbeddings) = (.silu, false)
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0.1)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        names: [
            .layerNormEpsilon: "norm_eps", .maxPositions: "max_length",
            .initializerRange: "decoder_init_range",
        ],
        ignored: [.tokenTypes, .hiddenDropout, .attentionDropout, .activation, .tieWordEmbeddings],
        refused: ConfigKeys.ownShapes, own: [headSize] + otherVariants)

    private static let headSize = FamilyKey.integer("dim_head", 0, in: 1...Int(Int32.max)).orNull
    /// Keys of variants that the published models are not.
    private static let otherVariants: [any FamilyKeyProtocol] = [
        FamilyKey("hidden_act", (), "\"SwiGLU\": other feed-forward parts are not supported") {
            $0.string?.lowercased() == "swiglu" ? () : nil
        },
        FamilyKey.only("rms_norm", .bool(true), "LayerNorm is not supported"),
        FamilyKey.only("rope", .bool(true), "tables of positions are not supported"),
        FamilyKey.only("ngpt", .bool(false), "layers with normalised weights are not supported"),
        FamilyKey.only("embedding_rms_norm", .bool(false), "a norm of the embeddings is not supported"),
    ]
    private static let rotary = EncoderSpec.Rotary(base: 10_000)

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "NeoBERT", .sequenceClassification: "NeoBERTForSequenceClassification",
        .maskedLanguageModel: "NeoBERTLMHead",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        if feedForwardWidth(config.feedForwardSize) == 0 {
            return FieldProblem(config.name(of: .feedForwardSize), "is 1, expected at least 2")
        }
        return FieldProblem(headSize: Self.headSize, of: config) ?? RotaryFields.problem(with: config)
    }

    /// Two thirds of the stated width, so that three matrices have as many weights as two of it, up to a multiple of 8.
    private func feedForwardWidth(_ stated: Int) -> Int { (2 * stated / 3 + 7) / 8 * 8 }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.useLlamaLayers(EncoderSpec.Norm(.rms, epsilon: config.layerNormEpsilon), Self.rotary)
        for index in spec.layers.indices {
            spec.layers[index].feedForward.width = feedForwardWidth(config.feedForwardSize)
        }
        spec.heads.sequence.transform.name = "classifier"
        spec.heads.sequence.inputDropout = config.effectiveClassifierDropout
        spec.heads.maskedLM?.transform = nil
        spec.heads.maskedLM?.isTied = false
        spec.heads.maskedLM?.bias = EncoderSpec.MaskedLM.sharedBias
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        // Each head's queries, keys and values lie one after another; pairs that are turned lie side by side.
        let (turned, plain) = (
            CheckpointMap.RowOrder(heads: config.heads, isInterleaved: true),
            CheckpointMap.RowOrder(heads: config.heads)
        )
        return CheckpointMap(
            prefix: "model", encoder: ["encoder", "transformer_encoder", "layer_norm"],
            rules: [
                .rename("embeddings.word_embeddings", "encoder"),
                .split(
                    ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" },
                    of: "transformer_encoder.*.qkv", rows: [turned, turned, plain]),
                .rename("encoder.layer.*.attention.output.dense", "transformer_encoder.*.wo"),
                .rename("encoder.layer.*.attention.output.LayerNorm", "transformer_encoder.*.attention_norm"),
                .rename("encoder.layer.*.intermediate.dense", "transformer_encoder.*.ffn.w12"),
                .rename("encoder.layer.*.output.dense", "transformer_encoder.*.ffn.w3"),
                .rename("encoder.layer.*.output.LayerNorm", "transformer_encoder.*.ffn_norm"),
                .rename("encoder.LayerNorm", "layer_norm"),
                .rename("classifier.dense", "dense"),
                .rename("cls.predictions.decoder.weight", "decoder.weight"),
                .rename("cls.predictions.bias", "decoder.bias"),
            ])
    }
}
