import Foundation
import Support

extension WordPieceTokenizer {
    /// Writes `vocab.txt` and `tokenizer_config.json`, and `tokenizer.json` if this was loaded from one.
    ///
    /// HF Transformers and this type load the directory with the same result. Each file is written beside
    /// its place and renamed, so that an interrupted save damages nothing. The directory is made if needed.
    package func save(to directory: String) throws(TextError) {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw TextError(.unwritableFile, file: directory, "cannot make the directory; check its parent")
        }
        var vocabularyText = vocabulary.tokens.joined(separator: "\n")
        vocabularyText += "\n"
        try write(Data(vocabularyText.utf8), to: directory, "vocab.txt")
        try write(Data(configText.utf8), to: directory, "tokenizer_config.json")
        if let tokenizerJSON { try write(Data(tokenizerJSON), to: directory, "tokenizer.json") }
    }

    private func write(_ data: Data, to directory: String, _ name: String) throws(TextError) {
        let path = (directory as NSString).appendingPathComponent(name)
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw TextError(
                .unwritableFile, file: path, "cannot be written; check permissions and free space")
        }
    }

    /// The settings under the names that HF reads, one a line.
    private var configText: String {
        var members: [(name: String, value: String)] = [
            ("tokenizer_class", "\"BertTokenizer\""),
            ("do_lower_case", "\(normalizer.lowercase)"),
            ("strip_accents", normalizer.stripAccents.map { "\($0)" } ?? "null"),
            ("tokenize_chinese_chars", "\(normalizer.tokenizeChineseChars)"),
        ]
        for role in SpecialTokens.Role.allCases {
            members.append(
                ("\(role.rawValue)_token", quotedJSON(special.names[role] ?? role.defaultName)))
        }
        if let length = config?["model_max_length"]?.integer {
            members.append(("model_max_length", "\(length)"))
        }
        return "{\n" + members.map { "  \"\($0.name)\": \($0.value)" }.joined(separator: ",\n") + "\n}\n"
    }
}
