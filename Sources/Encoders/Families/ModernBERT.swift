import GraphIR
import Support

/// ModernBERT (Warner et al., arXiv:2412.13663): rotary positions, windows in all layers but every third, gated feed-forward parts,
/// and neither biases nor a norm before the first layer.
package struct ModernBERT: EncoderFamily {
    package let modelType = "modernbert"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.vocabularySize, config.layers, config.feedForwardSize) = (50368, 22, 1152)
        (config.maxPositions, config.paddingID, config.layerNormEpsilon) = (8192, 50283, 1e-5)
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        names: [
            .activation: "hidden_activation", .layerNormEpsilon: "norm_eps",
            .attentionDropout: "attention_dropout",
        ], ignored: [.tokenTypes, .hiddenDropout], nullable: [.paddingID], refused: ConfigKeys.ownShapes,
        own: Own.all)

    /// The keys that BERT does not have.
    private enum Own {
        static let normBias = FamilyKey.flag("norm_bias", false)
        static let attentionBias = FamilyKey.flag("attention_bias", false)
        static let feedForwardBias = FamilyKey.flag("mlp_bias", false)
        static let decoderBias = FamilyKey.flag("decoder_bias", true)
        static let transformBias = FamilyKey.flag("classifier_bias", false)
        static let embeddingDropout = FamilyKey.rate("embedding_dropout", 0)
        static let feedForwardDropout = FamilyKey.rate("mlp_dropout", 0)
        static let classifierActivation = FamilyKey.activation("classifier_activation", .gelu)
        static let classifierPooling = FamilyKey.choice(
            "classifier_pooling", EncoderPooling.cls, of: [.cls, .mean])
        /// Keys that a query sees, one half of them on either side.
        static let window = FamilyKey.integer("local_attention", 128, in: 0...Int(Int32.max))
        static let everyGlobal = FamilyKey.integer("global_attn_every_n_layers", 3, in: 1...1000)
        static let layerKinds = FamilyKey(
            "layer_types", [LayerKind]?.none, "a list of 'full_attention' and 'sliding_attention'"
        ) { value in
            let kinds = value.array?.map { $0.string.flatMap(LayerKind.init) }
            return kinds?.contains(nil) == false ? .some(kinds?.compactMap(\.self)) : nil
        }.orNull
        static let positions = FamilyKey(
            "rope_parameters", [LayerKind: RotaryFields](),
            "a rope_type that is 'default' or 'linear', with a factor unless it is 'default', and rope_theta for "
                + "'full_attention' and 'sliding_attention'",
            LayerKind.positions
        ).orNull
        static let globalBase = FamilyKey.positive("global_rope_theta", 160_000)
        static let localBase = FamilyKey.positive("local_rope_theta", 10_000)
        static let scaling = FamilyKey.only(
            "rope_scaling", .null, "scaled rotary positions are not supported")

        static let all: [any FamilyKeyProtocol] = [
            normBias, attentionBias, feedForwardBias, decoderBias, transformBias, embeddingDropout,
            feedForwardDropout, classifierActivation, classifierPooling, window, everyGlobal, layerKinds,
            positions, globalBase, localBase, scaling,
        ]
    }

    /// Which keys the tokens of a layer attend to.
    private enum LayerKind: String, Hashable {
        case global = "full_attention"
        case local = "sliding_attention"

        /// The rotary positions in `rope_parameters`; nil for what is not understood.
        @Sendable static func positions(_ value: JSONValue) -> [LayerKind: RotaryFields]? {
            guard let members = value.object?.members else { return nil }
            var positions: [LayerKind: RotaryFields] = [:]
            for (name, value) in members where value != .null {
                guard let kind = LayerKind(rawValue: name), let fields = RotaryFields(value) else {
                    return nil
                }
                positions[kind] = fields
            }
            return positions
        }
    }

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "ModernBertModel", .sequenceClassification: "ModernBertForSequenceClassification",
        .tokenClassification: "ModernBertForTokenClassification",
        .maskedLanguageModel: "ModernBertForMaskedLM",
        .questionAnswering: "ModernBertForQuestionAnswering",
        .multipleChoice: "ModernBertForMultipleChoice",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        if let kinds = config[Own.layerKinds], kinds.count != config.layers {
            return FieldProblem(
                Own.layerKinds.name,
                "has \(kinds.count) layers, expected \(config.layers) (num_hidden_layers)")
        }
        return RotaryFields.problem(with: config)
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        let norm = EncoderSpec.Norm(epsilon: config.layerNormEpsilon, hasBias: config[Own.normBias])
        spec.embeddings.tokenTypes = nil
        spec.embeddings.positions.hasTable = false
        spec.embeddings.norm = norm
        spec.embeddings.dropout = config[Own.embeddingDropout]
        spec.finalNorm = norm
        for index in spec.layers.indices { change(&spec.layers[index], at: index, norm, config) }
        var transform = EncoderSpec.Transform(
            name: "cls.predictions.transform", activation: config[Own.classifierActivation], norm: norm)
        transform.hasBias = config[Own.transformBias]
        spec.heads.sequence.pooling = config[Own.classifierPooling]
        spec.heads.sequence.transform = transform
        spec.heads.choice = spec.heads.sequence
        spec.heads.token.transform = transform
        // One classifier, whatever the task.
        spec.heads.question = spec.heads.token
        spec.heads.maskedLM?.transform = transform
        spec.heads.maskedLM?.bias = config[Own.decoderBias] ? EncoderSpec.MaskedLM.sharedBias : nil
        return spec
    }

    private func change(
        _ layer: inout EncoderSpec.Layer, at index: Int, _ norm: EncoderSpec.Norm, _ config: EncoderConfig
    ) {
        let usual = index % config[Own.everyGlobal] == 0 ? LayerKind.global : .local
        let kind = config[Own.layerKinds]?[index] ?? usual
        layer.normPosition = .pre
        layer.norm = norm
        layer.attention.hasNorm = index > 0
        layer.attention.hasBiases = config[Own.attentionBias]
        layer.attention.outputDropout = config.attentionDropout
        if kind == .local { layer.attention.mask = AttentionMask(.window(config[Own.window] / 2)) }
        let base = config[kind == .global ? Own.globalBase : Own.localBase]
        let positions = config[Own.positions][kind] ?? RotaryFields()
        layer.attention.rotary = positions.rotary(base: base, headSize: config.headSize)
        layer.feedForward.isGated = true
        layer.feedForward.hasInnerBias = config[Own.feedForwardBias]
        layer.feedForward.hasOutputBias = config[Own.feedForwardBias]
        layer.feedForward.innerDropout = config[Own.feedForwardDropout]
        layer.feedForward.outputDropout = 0
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "model", encoder: ["embeddings", "layers", "final_norm"],
            rules: [
                .rename("embeddings.word_embeddings", "embeddings.tok_embeddings"),
                .rename("embeddings.LayerNorm", "embeddings.norm"),
                .split(
                    ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" },
                    of: "layers.*.attn.Wqkv"),
                .rename("encoder.layer.*.attention.output.dense", "layers.*.attn.Wo"),
                .rename("encoder.layer.*.attention.output.LayerNorm", "layers.*.attn_norm"),
                .rename("encoder.layer.*.intermediate.dense", "layers.*.mlp.Wi"),
                .rename("encoder.layer.*.output.dense", "layers.*.mlp.Wo"),
                .rename("encoder.layer.*.output.LayerNorm", "layers.*.mlp_norm"),
                .rename("encoder.LayerNorm", "final_norm"),
                .rename("cls.predictions.transform.dense", "head.dense"),
                .rename("cls.predictions.transform.LayerNorm", "head.norm"),
                .rename("cls.predictions.decoder.weight", "decoder.weight"),
                .rename("cls.predictions.bias", "decoder.bias"),
            ])
    }
}
