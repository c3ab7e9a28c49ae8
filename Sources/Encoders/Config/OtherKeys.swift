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
            "quantised weights are not supported; save the model in its own precision"
        ),
    ]

    /// - Throws: `ConfigError` for a value that this model cannot have.
    init(_ object: JSONObject, _ family: any EncoderFamily, file: String) throws {
        for (key, legal, meaning) in Self.fixed {
            guard let found = object[key], found != .null, found != legal else { continue }
            throw ConfigError(
                file: file, field: key, problem: "has a value this model cannot have: \(meaning)")
        }
        if let map = object["auto_map"]?.object, !map.members.isEmpty {
            remarks.append(
                "'auto_map' names Python code of the model's own, which is not run: it is read as a plain "
                    + (family.modelType == "bert" ? "BERT" : family.modelType))
        }
        for key in EncoderConfig.Key.allCases where family.keys.ignored.contains(key) {
            guard let value = object[key.rawValue], value != .null else { continue }
            remarks.append(
                "'\(key.rawValue)' means nothing in the family '\(family.modelType)' and is ignored")
        }
    }
}
