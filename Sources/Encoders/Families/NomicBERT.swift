/// NomicBERT (Nussbaum et al., arXiv:2402.01613): BERT with rotary positions in the place of a table, gated feed-forward parts, and
/// no biases in the layers' matrices.
package struct NomicBERT: EncoderFamily {
    package let modelType = "nomic_bert"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.vocabularySize, config.maxPositions, config.activation) = (30528, 2048, .silu)
        (config.hiddenDropout, config.attentionDropout) = (0, 0)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        refused: ConfigKeys.ownShapes, own: rotary.all + [headSize] + otherNames)

    private static let rotary = RotaryKeys(base: 1000)
    private static let headSize = FamilyKey.integer("head_dim", 0, in: 1...Int(Int32.max))
    /// What the model's own code, older than Transformers', calls its sizes.
    private static let otherNames = ["n_embd", "n_layer", "n_head", "n_inner"].map {
        FamilyKey.only(
            $0, .null, "save the model with Transformers 5.24 or later, which gives it other names")
    }

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "NomicBertModel", .sequenceClassification: "NomicBertForSequenceClassification",
        .tokenClassification: "NomicBertForTokenClassification", .maskedLanguageModel: "NomicBertForMaskedLM",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        let stated = config[Self.headSize]
        if stated != 0, stated != config.headSize {
            return FieldProblem(
                Self.headSize.name,
                "is \(stated), expected hidden_size / num_attention_heads, \(config.headSize)")
        }
        return RotaryFields.problem(with: config)
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.positions.hasTable = false
        let rotary = Self.rotary.rotary(of: config)
        for index in spec.layers.indices {
            spec.layers[index].attention.hasBiases = false
            spec.layers[index].attention.rotary = rotary
            spec.layers[index].feedForward.isGated = true
            spec.layers[index].feedForward.hasInnerBias = false
            spec.layers[index].feedForward.hasOutputBias = false
        }
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "nomic_bert", encoder: ["embeddings", "emb_ln", "encoder", "pooler"],
            rules: Self.fileRules + Self.moduleRules)
    }

    /// The names in files, which Transformers reads and writes as the model's own code did.
    private static let fileRules: [CheckpointMap.Rule] = [
        .rename("embeddings.LayerNorm", "emb_ln"),
        .split(
            ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" },
            of: "encoder.layers.*.attn.Wqkv"),
        .rename("encoder.layer.*.attention.output.dense", "encoder.layers.*.attn.out_proj"),
        .rename("encoder.layer.*.attention.output.LayerNorm", "encoder.layers.*.norm1"),
        .join(
            "encoder.layer.*.intermediate.dense",
            of: ["encoder.layers.*.mlp.fc12", "encoder.layers.*.mlp.fc11"]),
        .rename("encoder.layer.*.output.dense", "encoder.layers.*.mlp.fc2"),
        .rename("encoder.layer.*.output.LayerNorm", "encoder.layers.*.norm2"),
        .rename("cls.predictions.transform.LayerNorm", "cls.predictions.transform.layer_norm"),
    ]

    /// The names of Transformers' modules, which a state dictionary has.
    private static let moduleRules: [CheckpointMap.Rule] = [
        .rename("encoder.layer.*.attention.self.query", "layers.*.self_attn.q_proj"),
        .rename("encoder.layer.*.attention.self.key", "layers.*.self_attn.k_proj"),
        .rename("encoder.layer.*.attention.self.value", "layers.*.self_attn.v_proj"),
        .rename("encoder.layer.*.attention.output.dense", "layers.*.self_attn.o_proj"),
        .rename("encoder.layer.*.attention.output.LayerNorm", "layers.*.post_attention_layernorm"),
        .join(
            "encoder.layer.*.intermediate.dense", of: ["layers.*.mlp.gate_proj", "layers.*.mlp.up_proj"]),
        .rename("encoder.layer.*.output.dense", "layers.*.mlp.down_proj"),
        .rename("encoder.layer.*.output.LayerNorm", "layers.*.post_mlp_layernorm"),
    ]
}
