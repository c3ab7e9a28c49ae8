import Foundation
import Support

extension PipelineTokenizer {
    /// Writes the files that this was loaded from as they are, with a `tokenizer_config.json` if there was none.
    ///
    /// HF Transformers and this type load the directory with the same result. Each file is written beside
    /// its place and renamed, so that an interrupted save damages nothing; files of another tokeniser that is there are
    /// removed. The directory is made if needed.
    package func save(to directory: String) throws {
        try makeDirectory(directory)
        for name in TokenizerFiles.Name.allCases {
            let path = (directory as NSString).appendingPathComponent(name.rawValue)
            if name == .config {
                try AtomicFile.write(Data(configText.utf8), to: URL(file: path))
            } else if let file = parts.files[name] {
                try AtomicFile.write(Data(file.bytes), to: URL(file: path))
            } else {
                try? FileManager.default.removeItem(atPath: path)
            }
        }
    }

    /// The configuration as it was, with the class, which may have stood in the model's configuration only.
    private var configText: String {
        guard let source = parts.files[.config], var config = try? source.json().object else {
            return JSONValue.object(newConfig).text(.indented)
        }
        if config["tokenizer_class"] != nil { return String(utf8: source.bytes) }
        config["tokenizer_class"] = .string(parts.className)
        return JSONValue.object(config).text(.indented)
    }

    /// The settings under the names that HF reads.
    var newConfig: JSONObject {
        var config: JSONObject = ["tokenizer_class": .string(parts.className)]
        if let normalizer = parts.normalization.bert {
            config["do_lower_case"] = .bool(normalizer.lowercase)
            config["strip_accents"] = normalizer.stripAccents.map { .bool($0) } ?? .null
            config["tokenize_chinese_chars"] = .bool(normalizer.tokenizeChineseChars)
        }
        for role in SpecialTokens.Role.allCases where special[role] != nil {
            config[role.key] = special.names[role].map { .string($0.text) }
        }
        return config
    }
}
