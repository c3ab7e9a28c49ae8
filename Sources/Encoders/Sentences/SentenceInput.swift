import Foundation
import Support

/// How a sentence-transformers Transformer module prepares texts: its `sentence_bert_config.json`, or the file of that
/// kind with another model's name, as sentence-transformers looks for them.
package struct SentenceInput: Sendable {
    /// Tokens of a sequence at most, which stands above the tokeniser's own limit; nil when the file says nothing.
    package let maxLength: Int?
    /// Whether texts are made lower-case before the tokeniser normalises them.
    package let lowercases: Bool
    /// The file; its usual name when there is none.
    package let file: String
    let notes: [String]
    let outputsAllLayers: Bool?

    private static let names = [
        "bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet",
    ]

    init(folder: URL) throws {
        let files = Self.names.map { folder.appendingPathComponent("sentence_\($0)_config.json") }
        let found = try files.lazy.compactMap { file -> ConfigFields<Key>? in
            guard let object = try ModuleFile.object(at: file), !object.members.isEmpty else { return nil }
            return ConfigFields<Key>(file: file.path, object: object)
        }.first
        guard let settings = found else {
            (maxLength, lowercases, notes, outputsAllLayers, file) = (nil, false, [], nil, files[0].path)
            return
        }
        file = settings.file
        try Self.refuseOtherUses(settings)
        let tokenizer = try settings.arguments(
            [.tokenizerArguments, .processorArguments], harmless: ["use_fast", "padding_side"],
            own: ["model_max_length"])
        let model = try settings.arguments(
            [.modelArguments, .modelKeywords],
            harmless: [
                "attn_implementation", "add_pooling_layer", "torch_dtype", "dtype", "low_cpu_mem_usage",
                "use_safetensors", "device_map",
            ], own: [])
        let config = try settings.arguments(
            [.configArguments, .configKeywords],
            harmless: ["attn_implementation", "use_cache", "return_dict", "output_attentions"],
            own: ["output_hidden_states"])
        let processing = try settings.processing()
        maxLength =
            try processing
            ?? Self.length(tokenizer["model_max_length"], settings, .tokenizerArguments)
            ?? Self.length(settings.object[Key.maxLength.rawValue], settings, .maxLength)
        lowercases = try settings.bool(.lowercases) ?? false
        outputsAllLayers = config["output_hidden_states"]?.bool
        var notes: [String] = []
        for key in ["torch_dtype", "dtype"] {
            guard let name = model[key]?.string, !["float32", "auto"].contains(name) else { continue }
            notes.append("'\(key)' of \(settings.file) is \(name); numbers are computed in fp32 here")
        }
        let known = Set(Key.allCases.map(\.rawValue))
        notes += settings.object.names.filter { !known.contains($0) }.sorted().map {
            "'\($0)' of \(settings.file) is not known here and has no effect"
        }
        self.notes = notes
    }

    /// Whether the encoder hands the states of all layers on.
    func givesAllLayers(in folder: URL) throws -> Bool {
        if let outputsAllLayers { return outputsAllLayers }
        let config = try ModuleFile.object(at: folder.appendingPathComponent("config.json"))
        return config?["output_hidden_states"] == .bool(true)
    }

    /// Refuses a Transformer that gives something else than token states.
    private static func refuseOtherUses(_ settings: ConfigFields<Key>) throws {
        if let task = try settings.string(.task), task != "feature-extraction" {
            throw settings.error(.task, "is '\(task)', expected 'feature-extraction'")
        }
        if let name = try settings.string(.outputName), name != SentenceModule.Feature.tokens.rawValue {
            throw settings.error(.outputName, "is '\(name)', expected 'token_embeddings'")
        }
        if let name = try settings.string(.tokenizerName) {
            throw settings.error(.tokenizerName, "is '\(name)'; copy that tokeniser beside the model instead")
        }
        guard let modalities = try settings.object(.modalities) else { return }
        guard case .object(let text)? = modalities["text"], text["method"] == .string("forward"),
            let output = text["method_output_name"],
            [.string("last_hidden_state"), .array([.string("last_hidden_state")])].contains(output)
        else {
            throw settings.error(
                .modalities,
                "has another way for texts than 'forward' with 'last_hidden_state', which is not run here")
        }
    }

    /// A number of tokens; nil where it is absent or null.
    fileprivate static func length(
        _ value: JSONValue?, _ settings: ConfigFields<Key>, _ key: Key
    ) throws -> Int? {
        switch value {
        case nil, .null?: return nil
        case .number(let number)? where (number.double ?? 1) >= 1:
            // Transformers writes 1e30 for no limit.
            return min(number.integer ?? .max, Int(Int32.max))
        default: throw settings.error(key, "has no length that is possible; expected a number of tokens")
        }
    }

    enum Key: String, CaseIterable {
        case maxLength = "max_seq_length"
        case lowercases = "do_lower_case"
        case task = "transformer_task"
        case modalities = "modality_config"
        case outputName = "module_output_name"
        case processing = "processing_kwargs"
        case tokenizerName = "tokenizer_name_or_path"
        case tokenizerArguments = "tokenizer_args"
        case processorArguments = "processor_kwargs"
        case modelArguments = "model_args"
        case modelKeywords = "model_kwargs"
        case configArguments = "config_args"
        case configKeywords = "config_kwargs"
        // What has no effect on texts without a task.
        case unpads = "unpad_inputs"
        case queryLength = "query_length"
        case documentLength = "document_length"
        case queryExpansion = "query_expansion"
    }
}

extension ConfigFields where Key == SentenceInput.Key {
    /// Arguments of Transformers' classes under either of two keys.
    ///
    /// - Parameters:
    ///   - harmless: names that change no numbers.
    ///   - own: names that the caller looks at.
    fileprivate func arguments(
        _ keys: [Key], harmless: [String], own: [String]
    ) throws -> JSONObject {
        var all: JSONObject = [:]
        let known =
            harmless + own + ["trust_remote_code", "revision", "token", "cache_dir", "local_files_only"]
        for key in keys {
            for (name, value) in try object(key)?.members ?? [] {
                guard known.contains(name) || value == .null else {
                    throw error(
                        key, "sets '\(name)', which is not obeyed here; put it into the model's own files")
                }
                all[name] = value
            }
        }
        return all
    }

    /// The length in `processing_kwargs`, whose other settings must be those that sentence-transformers has anyway.
    fileprivate func processing() throws -> Int? {
        guard let kinds = try object(.processing) else { return nil }
        var length: Int?
        for (kind, value) in kinds.members {
            guard ["text", "common"].contains(kind), case .object(let settings) = value else { continue }
            for (name, value) in settings.members {
                switch (name, value) {
                case ("max_length", _): length = try SentenceInput.length(value, self, .processing)
                case ("padding", _), ("pad_to_multiple_of", _), ("return_tensors", _): break
                case ("truncation", .bool(true)), ("truncation", .string("longest_first")),
                    ("add_special_tokens", .bool(true)), (_, .null):
                    break
                default:
                    throw error(.processing, "sets '\(name)' of \(kind), which is not obeyed here; remove it")
                }
            }
        }
        return length
    }
}
