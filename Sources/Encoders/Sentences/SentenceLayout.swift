import Foundation
import Support

/// How a sentence-transformers directory is written around an encoder: `modules.json`, a folder for each module, and how
/// texts are prepared. It loads in sentence-transformers as it is.
package struct SentenceLayout: Sendable {
    /// What makes a vector of token states.
    package let modules: [SentenceModule]
    /// Elements of a vector.
    package let width: Int
    private let source: SentenceModules?
    private let hiddenSize: Int
    private let maxLength: Int

    /// The layout of a directory that there is, or one that pools token states.
    ///
    /// - Parameters:
    ///   - source: the directory that is trained further; nil for a plain encoder.
    ///   - pooling: how a plain encoder's token states become a vector.
    ///   - maxLength: tokens of a text at most.
    /// - Throws: `ConfigError` when the modules do not fit the encoder.
    package init(
        of source: SentenceModules?, pooling: EncoderPooling, config: EncoderConfig, maxLength: Int
    ) throws {
        let isOwn = source.map { !$0.entries.isEmpty } ?? false
        self.source = source
        modules = isOwn ? source?.modules ?? [] : [.pooling(pooling)]
        width =
            try (isOwn ? source : nil)?.width(hiddenSize: config.hiddenSize, layers: config.layers)
            ?? config.hiddenSize
        hiddenSize = config.hiddenSize
        self.maxLength = maxLength
    }

    /// The parameters of the modules, under their names in the graph.
    package var parameters: [ParameterSpec] {
        modules.flatMap { module in
            module.parameters.map { ParameterSpec("\(module.name).\($0.name)", $0.shape, role: $0.role) }
        }
    }

    /// The layout of a directory as it is.
    ///
    /// - Throws: `ConfigError` when the modules do not fit the encoder.
    package init(of source: SentenceModules, config: EncoderConfig, maxLength: Int) throws {
        try self.init(
            of: source, pooling: config.pooling, config: config,
            maxLength: min(source.input.maxLength ?? maxLength, config.positionCount))
    }

    /// Writes everything but the encoder and its tokeniser.
    ///
    /// - Parameter values: the elements of a parameter, by its name in the graph.
    /// - Throws: `FileError` or `SafetensorsError`.
    package func save(to directory: URL, values: (String) throws -> [Float]) throws {
        var list = [entry(0, type: "sentence_transformers.models.Transformer", path: "")]
        let entries = source?.entries ?? []
        if entries.isEmpty {
            list.append(entry(1, type: "sentence_transformers.models.Pooling", path: "1_Pooling"))
            try write(.object(pooling), to: directory, "1_Pooling/config.json")
        }
        for (index, module) in entries.enumerated() {
            let name = "\(index + 1)_\(module.className)"
            list.append(entry(index + 1, type: module.type, path: name))
            try save(module, number: index + 1, to: directory.appendingPathComponent(name), values)
        }
        try write(.array(list), to: directory, "modules.json")
        try write(.object(input), to: directory, "sentence_bert_config.json")
        try write(.object(try settings()), to: directory, "config_sentence_transformers.json")
    }

    private func entry(_ index: Int, type: String, path: String) -> JSONValue {
        .object([
            ("idx", .integer(index)), ("name", .string("\(index)")), ("path", .string(path)),
            ("type", .string(type)),
        ])
    }

    /// A module's settings as they were, and its weights.
    private func save(
        _ entry: ModuleEntry, number: Int, to folder: URL, _ values: (String) throws -> [Float]
    ) throws {
        try makeDirectory(folder.path)
        let settings = entry.folder.appendingPathComponent("config.json")
        if let object = try ModuleFile.object(at: settings) {
            try write(.object(object), to: folder, "config.json")
        }
        let weights = folder.appendingPathComponent(CheckpointFiles.single)
        guard let module = modules.first(where: { $0.name == "modules.\(number)" }) else {
            // A module without effect keeps its weights.
            let old = entry.folder.appendingPathComponent(CheckpointFiles.single)
            if FileManager.default.fileExists(atPath: old.path) {
                try AtomicFile.write(try readFile(old.path), to: weights)
            }
            return
        }
        guard !module.parameters.isEmpty else { return }
        let tensors = module.parameters.map {
            SafetensorsEntry(name: $0.name, dataType: .f32, shape: $0.shape)
        }
        try SafetensorsWriter.write(tensors, to: weights) { tensor, sink in
            try values("\(module.name).\(tensor.name)").withUnsafeBytes { try sink($0) }
        }
    }

    private func write(_ value: JSONValue, to directory: URL, _ name: String) throws {
        let file = directory.appendingPathComponent(name)
        try makeDirectory(file.deletingLastPathComponent().path)
        try AtomicFile.write(Data(value.text(.indented).utf8), to: file)
    }

    // MARK: Files

    /// In the form that all versions read.
    private var pooling: JSONObject {
        let modes: [(String, EncoderPooling)] = [
            ("cls_token", .cls), ("mean_tokens", .mean), ("max_tokens", .max),
            ("mean_sqrt_len_tokens", .meanSqrtLength), ("weightedmean_tokens", .weightedMean),
            ("lasttoken", .lastToken),
        ]
        return JSONObject(
            [("word_embedding_dimension", .integer(hiddenSize))]
                + modes.map { ("pooling_mode_\($0.0)", .bool(modules == [.pooling($0.1)])) }
                + [("include_prompt", .bool(true))])
    }

    private var input: JSONObject {
        var object = JSONObject([
            ("max_seq_length", .integer(maxLength)),
            ("do_lower_case", .bool(source?.input.lowercases ?? false)),
        ])
        if let outputsAllLayers = source?.input.outputsAllLayers {
            object["config_args"] = .object([("output_hidden_states", .bool(outputsAllLayers))])
        }
        return object
    }

    /// Prompts and all else that was said of the model as a whole, with the similarity that vectors are compared by.
    private func settings() throws -> JSONObject {
        let name = "config_sentence_transformers.json"
        var object: JSONObject = [:]
        if let source, !source.entries.isEmpty {
            object = try ModuleFile.object(at: source.directory.appendingPathComponent(name)) ?? [:]
        }
        let usual: [(String, JSONValue)] = [
            ("model_type", .string("SentenceTransformer")),
            ("prompts", .object([("query", .string("")), ("document", .string(""))])),
            ("default_prompt_name", .null), ("similarity_fn_name", .string("cosine")),
        ]
        for (name, value) in usual where object[name] == nil { object[name] = value }
        return object
    }
}
