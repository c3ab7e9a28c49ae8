import Support

extension EncoderConfig {
    /// The key under which Hugging Face's configurations say how weights were quantised.
    static let quantizationKey = "quantization_config"
    private static let method = "bertc"

    /// What is said there of a directory that `bertc quantize` wrote.
    static let quantization = JSONValue.object(["bits": .integer(8), "quant_method": .string(method)])

    /// Whether a value under that key is of such a directory.
    static func isOwnQuantization(_ value: JSONValue) -> Bool {
        value.object?["quant_method"] == .string(method)
    }

    /// Whether weights are i8.
    package var isQuantized: Bool {
        unknownKeys[Self.quantizationKey].map(Self.isOwnQuantization) ?? false
    }
}
