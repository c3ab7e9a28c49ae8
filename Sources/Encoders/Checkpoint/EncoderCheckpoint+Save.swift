import Foundation
import Support

extension EncoderCheckpoint {
    /// Saves a model so that Hugging Face's `from_pretrained` loads it unchanged: `model.safetensors` with the names of
    /// the model's family (F32) and `config.json`. The directory is made when it does not exist; each file is written beside and
    /// renamed.
    ///
    /// - Parameters:
    ///   - directory: the model directory.
    ///   - config: its `architectures` are replaced by `architecture`.
    ///   - architecture: the kind of model to save as; it decides the class, and with it the names.
    ///   - parameters: canonical names and shapes. A tied decoder is not among them.
    ///   - provide: called once per parameter; hands its values to the sink, in one piece or several.
    /// - Throws: `ConfigError`, `SafetensorsError`, and what `provide` throws.
    public static func save(
        to directory: URL, config: EncoderConfig, architecture: EncoderArchitecture,
        parameters: [ParameterSpec],
        provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
    ) throws {
        try save(
            to: directory, config: config, architecture: architecture, parameters: parameters, quantized: [],
            provide: provide)
    }

    /// The same with weights as i8, of a kind that Hugging Face's classes do not know.
    ///
    /// - Parameter quantized: not among `parameters`.
    package static func save(
        to directory: URL, config: EncoderConfig, architecture: EncoderArchitecture,
        parameters: [ParameterSpec], quantized: [QuantizedValues],
        provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
    ) throws {
        var saved = try config.saved(as: architecture)
        if !quantized.isEmpty {
            saved.unknownKeys[EncoderConfig.quantizationKey] = EncoderConfig.quantization
        }
        let text = try saved.json()
        try makeDirectory(directory.path)
        let map = config.family.checkpoint(of: config)
        let tensors = SavedTensor.list(parameters) { map.stored($0, in: architecture) }
        let byName = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let entries = tensors.map { SafetensorsEntry(name: $0.name, dataType: .f32, shape: $0.shape) }
        let bytes = quantized.flatMap(\.tensors)
        let bytesByName = Dictionary(
            bytes.map { ($0.entry.name, $0.bytes) }, uniquingKeysWith: { first, _ in first })
        let weights = directory.appendingPathComponent(CheckpointFiles.single)
        try SafetensorsWriter.write(entries + bytes.map(\.entry), to: weights) { entry, sink in
            if let bytes = bytesByName[entry.name] { return try bytes.withUnsafeBytes { try sink($0) } }
            try byName[entry.name]?.write(provide: provide, to: sink)
        }
        try AtomicFile.write(text, to: directory.appendingPathComponent("config.json"))
    }

    /// Saves a model whose values are in arrays.
    /// - Throws: as the streaming form; `SafetensorsError.badTensor` for a parameter without values.
    public static func save(
        to directory: URL, config: EncoderConfig, architecture: EncoderArchitecture,
        parameters: [ParameterSpec],
        values: [String: [Float]]
    ) throws {
        try save(to: directory, config: config, architecture: architecture, parameters: parameters) {
            spec, sink in
            try (values[spec.name] ?? []).withUnsafeBufferPointer { try sink($0) }
        }
    }
}

extension EncoderConfig {
    /// The configuration as it is written beside F32 weights of a class.
    func saved(as architecture: EncoderArchitecture) throws -> EncoderConfig {
        var config = self
        guard let name = config.family.classes[architecture] else {
            throw ConfigError(
                file: "model configuration",
                problem:
                    "is of the family '\(config.family.modelType)', which has no model of the kind '\(architecture)'"
            )
        }
        config.architectures = [name]
        for key in ["dtype", "torch_dtype"] where config.unknownKeys[key] != nil {
            config.unknownKeys[key] = .string("float32")
        }
        config.unknownKeys[Self.quantizationKey] = nil
        // The path that some other model was loaded from.
        config.unknownKeys["_name_or_path"] = nil
        return config
    }
}
