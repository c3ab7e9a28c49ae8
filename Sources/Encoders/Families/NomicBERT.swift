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
        refused: ConfigKeys.ownShapes, own: rotary.all + [headSize] + NomicBERTOwnForm.keys)

    private static let rotary = RotaryKeys(base: 1000)
    private static let headSize = FamilyKey.integer("head_dim", 0, in: 1...Int(Int32.max)).orNull
    package let classes: [EncoderArchitecture: String] = [
        .encoder: "NomicBertModel", .sequenceClassification: "NomicBertForSequenceClassification",
        .tokenClassification: "NomicBertForTokenClassification", .maskedLanguageModel: "NomicBertForMaskedLM",
    ]

    package let otherClasses: [EncoderArchitecture: [String]] = [
        .maskedLanguageModel: ["NomicBertForPreTraining"]
    ]

    package func translated(_ file: JSONObject) -> JSONObject { NomicBERTOwnForm.translated(file) }

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        FieldProblem(headSize: Self.headSize, of: config) ?? RotaryFields.problem(with: config)
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
            rules: Self.fileRules + .llamaMatricesAndNorms, otherPrefixes: ["bert"])
    }

    package func modules(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "nomic_bert", encoder: ["embeddings", "layers", "pooler"], rules: .llamaMatricesAndNorms)
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
}

/// The `config.json` of the models' own code, older than Transformers': GPT-2's keys for sizes, and flags for variants that the
/// published models are not. Transformers' keys, where a file has both, come first.
private enum NomicBERTOwnForm {
    private static let names = [
        "n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
        "n_positions": "max_position_embeddings", "layer_norm_epsilon": "layer_norm_eps",
        "resid_pdrop": "hidden_dropout_prob", "attn_pdrop": "attention_probs_dropout_prob",
        "rotary_emb_base": "rope_theta",
    ]
    private static let inner = "n_inner"
    private static let activation = "activation_function"
    /// The gated activations that the code has.
    private static let activations = ["swiglu": "silu", "geglu": "gelu", "glu": "sigmoid"]
    /// Flags that the code takes for true where a file does not say them, and positions that it takes for those of a table.
    private static let unsaid: [(String, JSONValue)] = [
        ("qkv_proj_bias", .bool(true)), ("mlp_fc1_bias", .bool(true)), ("mlp_fc2_bias", .bool(true)),
        ("rotary_emb_fraction", .integer(0)),
    ]

    static let keys: [any FamilyKeyProtocol] =
        names.keys.sorted().map { FamilyKey($0, (), "a number") { $0.double.map { _ in } } } + [
            FamilyKey(inner, (), "a number") { $0.integer.map { _ in } }.orNull,
            FamilyKey(
                activation, (),
                "\"swiglu\", \"geglu\" or \"glu\": feed-forward parts without gates are not supported"
            ) { $0.string.flatMap { activations[$0] }.map { _ in } },
            FamilyKey.only("prenorm", .bool(false), "norms before the parts are not supported"),
            FamilyKey.only("parallel_block", .bool(false), "parallel parts are not supported"),
            FamilyKey.only("use_rms_norm", .bool(false), "RMSNorm is not supported"),
            FamilyKey.only("causal", .bool(false), "decoders are not supported"),
            FamilyKey.only("norm_mlp", .bool(false), "norms in feed-forward parts are not supported"),
            FamilyKey.only("qkv_proj_bias", .bool(false), "biases in attention are not supported"),
            FamilyKey.only("mlp_fc1_bias", .bool(false), "biases in feed-forward parts are not supported"),
            FamilyKey.only("mlp_fc2_bias", .bool(false), "biases in feed-forward parts are not supported"),
            FamilyKey(
                "rotary_emb_fraction", (), "1: tables of positions and partly turned heads are not supported"
            ) { $0.double == 1 ? () : nil },
            FamilyKey.only("rotary_emb_interleaved", .bool(false), "turned neighbours are not supported"),
            FamilyKey.only("rotary_emb_scale_base", .null, "scaled rotary positions are not supported"),
            FamilyKey.only("rotary_scaling_factor", .null, "scaled rotary positions are not supported"),
            FamilyKey.only("num_heads_kv", .null, "heads that share keys are not supported"),
        ]

    static func translated(_ file: JSONObject) -> JSONObject {
        guard file["n_embd"] != nil else { return file }
        var file = file
        func put(_ name: String, _ value: JSONValue?) {
            if file[name] == nil, let value { file[name] = value }
        }
        for (name, value) in unsaid { put(name, value) }
        // Versions of the code take it for different numbers.
        if file["rope_theta"] == nil, file["rope_parameters"] == nil { put("rotary_emb_base", .null) }
        for (name, own) in names where own != "rope_theta" || file["rope_parameters"] == nil {
            put(own, file[name] == .null ? nil : file[name])
        }
        put("hidden_act", file[activation]?.string.flatMap { activations[$0] }.map(JSONValue.string))
        if let width = file[inner]?.integer
            ?? file["n_embd"]?.integer.map({ 8 * min($0, Int(Int32.max)) / 3 }), width > 0
        {
            put("intermediate_size", .integer(rounded(width)))
        }
        // Transformers' code takes the base from the newer key alone.
        put(
            "rope_parameters",
            file["rope_theta"].map {
                .object(["rope_type": .string("default"), "rope_theta": $0])
            })
        return file
    }

    /// The code makes the width a multiple of 256.
    private static func rounded(_ width: Int) -> Int {
        let (more, isTooMuch) = width.addingReportingOverflow(255)
        return isTooMuch ? width : more / 256 * 256
    }
}
