import Support

/// The keys of a `config.json` that other models obey and this one does not: with a value that changes what a model
/// computes, they are refused.
struct OtherKeys {
    /// Values that change something else.
    private(set) var remarks: [String] = []

    /// Keys with the only value that a model here can have.
    private static let fixed: [(key: String, legal: JSONValue, meaning: String)] = [
        ("position_embedding_type", .string("absolute"), "only absolute positions are supported"),
        ("is_decoder", .bool(false), "decoders are not supported"),
        ("is_encoder_decoder", .bool(false), "decoders are not supported"),
        ("add_cross_attention", .bool(false), "cross-attention is not supported"),
        ("pruned_heads", .object([:]), "layers with heads of their own number are not supported"),
        (
            "quantization_config", .null,
            "only weights that 'bertc quantize' wrote are read quantised; save the model in its own precision"
        ),
    ]

    /// Keys that change what some family's models compute: another family's models do not have what they say. A value that
    /// says that there is no such thing is none.
    private static let otherFamilies = [
        "rope_theta", "rope_scaling", "rope_parameters", "rotary_emb_base", "rotary_emb_fraction",
        "partial_rotary_factor", "global_rope_theta", "local_rope_theta", "rotary_value", "alibi",
        "relative_attention", "relative_attention_num_buckets", "relative_attention_max_distance",
        "max_relative_positions", "position_buckets", "pos_att_type", "share_att_key", "norm_rel_ebd",
        "conv_kernel_size", "local_attention", "global_attn_every_n_layers", "layer_types",
        "attention_window",
        "sliding_window", "num_key_value_heads", "head_dim", "head_ratio", "num_groups", "use_task_id",
        "num_hidden_groups", "inner_group_num", "num_experts", "moe_every_n_layers", "use_bottleneck",
        "norm_bias", "attention_bias", "mlp_bias", "classifier_pooling", "clf_pooling",
        "sinusoidal_pos_embds", "layer_norm_type", "logn_attention_scale", "rms_norm", "embedding_rms_norm",
        "ngpt", "use_rms_norm", "prenorm", "parallel_block",
    ]

    private static func saysNothing(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .array(let values): values.isEmpty
        case .object(let object): object.members.isEmpty
        case .number(let number): number.double == 0
        case .string(let text): text.isEmpty || text == "none"
        case .bool(true): false
        }
    }

    /// - Throws: `ConfigError` for a value that this model cannot have.
    init(_ object: JSONObject, _ family: any EncoderFamily, file: String) throws {
        let own = Set(family.keys.own.map(\.name)).union(family.keys.names.values)
        for (key, legal, meaning) in Self.fixed where !own.contains(key) {
            guard let found = object[key], found != .null, found != legal,
                key != EncoderConfig.quantizationKey || !EncoderConfig.isOwnQuantization(found)
            else { continue }
            throw ConfigError(
                file: file, field: key, problem: "has a value this model cannot have: \(meaning)")
        }
        for (key, value) in object.members
        where Self.otherFamilies.contains(key) && !own.contains(key) && !Self.saysNothing(value) {
            throw ConfigError(
                file: file, field: key,
                problem: "is not for the family '\(family.modelType)', whose models have no such thing")
        }
        if let map = object["auto_map"]?.object, !map.members.isEmpty {
            remarks.append(
                "'auto_map' names Python code of the model's own, which is not run: it is read as a plain "
                    + (family.modelType == "bert" ? "BERT" : family.modelType))
        }
        for key in EncoderConfig.Key.allCases
        where family.keys.ignored.contains(key) && !own.contains(key.rawValue) {
            guard let value = object[key.rawValue], value != .null else { continue }
            remarks.append(
                "'\(key.rawValue)' means nothing in the family '\(family.modelType)' and is ignored")
        }
    }
}
