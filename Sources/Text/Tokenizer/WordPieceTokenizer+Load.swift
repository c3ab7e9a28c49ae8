import Foundation
import Support

extension WordPieceTokenizer {
    /// Loads a tokeniser from an HF model directory, a `vocab.txt`, or a `tokenizer.json`.
    ///
    /// In a directory `tokenizer.json` is preferred, and `tokenizer_config.json` has the last word on
    /// `do_lower_case`, `strip_accents`, `tokenize_chinese_chars` and the spelling of the special tokens.
    /// Without either of the two, text is lower-cased.
    package init(contentsOf path: String) throws(TextError) {
        let expected = "a directory with vocab.txt or tokenizer.json, or one of these files"
        let manager = FileManager.default
        var isDirectory: ObjCBool = false
        guard manager.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw TextError(.missingFile, file: path, "no such tokeniser; expected \(expected)")
        }
        guard isDirectory.boolValue else {
            try self.init(vocabularyFile: path, config: nil)
            return
        }
        func child(_ name: String) -> String? {
            let file = (path as NSString).appendingPathComponent(name)
            return manager.fileExists(atPath: file) ? file : nil
        }
        var config: JSONValue?
        if let file = child("tokenizer_config.json") {
            config = try SourceFile(path: file, expected: "a tokeniser configuration").json()
        }
        guard let vocabularyFile = child("tokenizer.json") ?? child("vocab.txt") else {
            throw TextError(
                .missingFile, file: path, "holds no vocab.txt and no tokenizer.json; expected \(expected)")
        }
        try self.init(vocabularyFile: vocabularyFile, config: config)
    }

    private init(vocabularyFile path: String, config: JSONValue?) throws(TextError) {
        let file = try SourceFile(path: path, expected: "a vocabulary (vocab.txt or tokenizer.json)")
        if path.hasSuffix(".json") {
            let document = try TokenizerDocument(file)
            try self.init(
                vocabulary: document.vocabulary,
                special: SpecialTokens(
                    in: document.vocabulary, names: WordPieceTokenizer.specialNames(in: config), file: path),
                normalizer: document.normalizer.overridden(by: config),
                maxWordScalars: document.maxWordScalars, addedTokens: document.addedTokens,
                tokenizerJSON: file.bytes, config: config)
        } else {
            let vocabulary = try Vocabulary(
                tokens: file.lines.map { String(utf8: $0) }, file: path, oneTokenALine: true)
            try self.init(
                vocabulary: vocabulary,
                special: SpecialTokens(
                    in: vocabulary, names: WordPieceTokenizer.specialNames(in: config), file: path),
                normalizer: TextNormalizer().overridden(by: config), config: config)
        }
    }

    /// The spellings in `tokenizer_config.json`: a string, or an object with the string as `content`.
    private static func specialNames(in config: JSONValue?) -> [SpecialTokens.Role: String] {
        var names: [SpecialTokens.Role: String] = [:]
        for role in SpecialTokens.Role.allCases {
            let entry = config?["\(role.rawValue)_token"]
            names[role] = entry?.string ?? entry?["content"]?.string
        }
        return names
    }
}

extension TextNormalizer {
    /// The settings of `tokenizer_config.json` where it has them.
    ///
    /// A `strip_accents` that is null follows lower-casing.
    fileprivate func overridden(by config: JSONValue?) -> TextNormalizer {
        var result = self
        result.lowercase = config?["do_lower_case"]?.bool ?? lowercase
        result.tokenizeChineseChars = config?["tokenize_chinese_chars"]?.bool ?? tokenizeChineseChars
        if let stripAccents = config?["strip_accents"] { result.stripAccents = stripAccents.bool }
        return result
    }
}
