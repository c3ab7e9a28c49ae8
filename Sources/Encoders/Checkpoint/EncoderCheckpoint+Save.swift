import Foundation
import Support

extension EncoderCheckpoint {
    /// Saves a model so that Hugging Face's `from_pretrained` loads it unchanged: `model.safetensors` with its names
    /// (F32) and `config.json`. The directory is made when it does not exist; each file is written beside and
    /// renamed.
    ///
    /// - Parameters:
    ///   - directory: the model directory.
    ///   - config: its `architectures` are replaced by `architecture`.
    ///   - architecture: the class to save as; it decides the names' prefix.
    ///   - parameters: canonical names and shapes. A tied decoder is not among them.
    ///   - provide: called once per parameter; hands its values to the sink, in one piece or several.
    /// - Throws: `EncoderConfigError`, `SafetensorsError`, and what `provide` throws.
    public static func save(
        to directory: URL, config: EncoderConfig, architecture: EncoderArchitecture,
        parameters: [ParameterSpec],
        provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
    ) throws {
        let text = try saved(config, as: architecture).json()
        try makeDirectory(directory.path)
        let pairs = parameters.map { (CheckpointNames.stored($0.name, in: architecture), $0) }
        let specs = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        let entries = pairs.map { SafetensorsEntry(name: $0, dataType: .f32, shape: $1.shape) }
        let weights = directory.appendingPathComponent(CheckpointFiles.single)
        try SafetensorsWriter.write(entries, to: weights) { entry, sink in
            guard let spec = specs[entry.name] else { return }
            try provide(spec) { try sink(UnsafeRawBufferPointer($0)) }
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

    /// The configuration as it is written beside F32 weights of a class.
    private static func saved(_ config: EncoderConfig, as architecture: EncoderArchitecture) -> EncoderConfig
    {
        var config = config
        config.architectures = [architecture.rawValue]
        for key in ["dtype", "torch_dtype"] where config.unknownKeys[key] != nil {
            config.unknownKeys[key] = .string("float32")
        }
        // The path that some other model was loaded from.
        config.unknownKeys["_name_or_path"] = nil
        return config
    }
}
