import Support

/// GTE (Zhang et al., arXiv:2407.19669): BERT with rotary positions in the place of a table and gated feed-forward parts. `gte` is
/// Transformers' model type, `new` that of the models' own code, which scales positions otherwise and has RMSNorm as a choice.
package struct GTE: EncoderFamily {
    package let modelType: String
    package let classes: [EncoderArchitecture: String]
    package let keys: ConfigKeys
    private let rotary: RotaryKeys
    private let isNew: Bool

    package static let gte = GTE("gte", "Gte", RotaryKeys(base: 160_000), [])
    package static let new = GTE(
        "new", "New", RotaryKeys(base: 10_000, [.plain, .ntk]),
        [
            layerNorm, packed, FamilyKey.flag("unpad_inputs", false),
            FamilyKey.flag("use_memory_efficient_attention", false),
            FamilyKey.flag("logn_attention_clip1", false),
            FamilyKey.only(
                "logn_attention_scale", .bool(false),
                "scores that are scaled by the length are not supported"),
            FamilyKey.only(
                "position_embedding_type", .string("rope"), "tables of positions are not supported"),
        ])

    private static let layerNorm = FamilyKey.choice(
        "layer_norm_type", LayerNormKind.layer, of: [.layer, .rms])
    /// Whether queries, keys and values have one matrix in files.
    private static let packed = FamilyKey.flag("pack_qkv", true)

    private enum LayerNormKind: String {
        case layer = "layer_norm"
        case rms = "rms_norm"
    }

    private init(
        _ modelType: String, _ name: String, _ rotary: RotaryKeys, _ own: [any FamilyKeyProtocol]
    ) {
        self.modelType = modelType
        self.rotary = rotary
        isNew = modelType == "new"
        keys = ConfigKeys(optional: [.tokenTypes], refused: ConfigKeys.ownShapes, own: rotary.all + own)
        classes = [
            .encoder: "\(name)Model", .sequenceClassification: "\(name)ForSequenceClassification",
            .tokenClassification: "\(name)ForTokenClassification", .maskedLanguageModel: "\(name)ForMaskedLM",
        ]
    }

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.vocabularySize, config.maxPositions) = isNew ? (30528, 2048) : (250_048, 8192)
        (config.tokenTypes, config.paddingID, config.attentionDropout) = (1, isNew ? nil : 1, 0)
        config.normPosition = .post
        return config
    }

    package func problem(with config: EncoderConfig) -> FieldProblem? { RotaryFields.problem(with: config) }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.positions.hasTable = false
        for index in spec.layers.indices {
            if isNew, config[Self.layerNorm] == .rms { spec.layers[index].norm.kind = .rms }
            spec.layers[index].attention.rotary = rotary.rotary(of: config)
            spec.layers[index].feedForward.isGated = true
            spec.layers[index].feedForward.hasInnerBias = false
            spec.layers[index].feedForward.innerDropout = config.hiddenDropout
        }
        if !isNew { spec.heads.maskedLM?.transform?.activation = .gelu }
        spec.heads.maskedLM?.bias = EncoderSpec.MaskedLM.sharedBias
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        let matrices = ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" }
        let stored = ["q", "k", "v"].map { "\($0)_proj" }
        let attention: [CheckpointMap.Rule] =
            isNew && !config[Self.packed]
            ? zip(matrices, stored).map { .rename($0, "encoder.layer.*.attention.\($1)") }
            : [.split(matrices, of: "encoder.layer.*.attention.qkv_proj")]
        return CheckpointMap(
            prefix: modelType, encoder: ["embeddings", "encoder", "pooler"],
            rules: attention + Self.fileRules + .llamaMatricesAndNorms + [
                .rename("cls.predictions.transform.LayerNorm", "lm_head.layer_norm")
            ],
            otherPrefixes: ["new"])
    }

    package func modules(of config: EncoderConfig) -> CheckpointMap {
        guard !isNew else { return checkpoint(of: config) }
        return CheckpointMap(
            prefix: modelType, encoder: ["embeddings", "layers", "pooler"], rules: .llamaMatricesAndNorms)
    }

    /// The names in files, which Transformers reads and writes as the models' own code does.
    private static let fileRules: [CheckpointMap.Rule] = [
        .rename("encoder.layer.*.attention.output.dense", "encoder.layer.*.attention.o_proj"),
        .rename("encoder.layer.*.attention.output.LayerNorm", "encoder.layer.*.attn_ln"),
        .reorder("encoder.layer.*.intermediate.dense", "encoder.layer.*.mlp.up_gate_proj", [1, 0]),
        .rename("encoder.layer.*.output.dense", "encoder.layer.*.mlp.down_proj"),
        .rename("encoder.layer.*.output.LayerNorm", "encoder.layer.*.mlp_ln"),
        .rename("cls.predictions.transform.dense", "lm_head.dense"),
        .rename("cls.predictions.transform.LayerNorm", "lm_head.norm"),
        .rename("cls.predictions.decoder.weight", "lm_head.decoder.weight"),
        .rename("cls.predictions.bias", "lm_head.decoder.bias"),
    ]
}
