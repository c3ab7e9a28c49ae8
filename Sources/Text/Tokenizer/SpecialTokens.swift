import Support

/// The five tokens that BERT gives a meaning, by spelling and id. A tokeniser need not have all of them: who uses one
/// asks for it.
package struct SpecialTokens: Sendable, Equatable {
    /// What a special token is for; the raw value is HF's name of the setting without `_token`.
    package enum Role: String, CaseIterable, Sendable {
        case padding = "pad"
        case unknown = "unk"
        case classification = "cls"
        case separator = "sep"
        case mask = "mask"

        /// The spelling of the original BERT vocabularies.
        var defaultName: String { "[\(rawValue.uppercased())]" }
        /// The name of the setting in HF's files.
        var key: String { rawValue + "_token" }
    }

    /// Spelling by role.
    let names: [Role: TextKey]
    private let ids: [Role: Int32]
    /// For the message about a token that is not there.
    private let vocabularyCount: Int
    private let file: String?

    /// - Parameters:
    ///   - names: spellings by role.
    ///   - ids: ids of those that there are.
    ///   - vocabularyCount: how many tokens there are; for messages, like `file`.
    package init(names: [Role: TextKey], ids: [Role: Int32], vocabularyCount: Int, file: String?) {
        self.names = names
        self.ids = ids
        self.vocabularyCount = vocabularyCount
        self.file = file
    }

    /// The ones with the usual spellings.
    init(in vocabulary: Vocabulary) {
        var names: [Role: TextKey] = [:]
        for role in Role.allCases { names[role] = TextKey(role.defaultName) }
        self.init(
            names: names, ids: names.compactMapValues { vocabulary.pieceID(of: $0.text) },
            vocabularyCount: vocabulary.count, file: nil)
    }

    package subscript(role: Role) -> Int32? { ids[role] }

    /// What stands in places that nothing looks at.
    package var padding: Int32 { ids[.padding] ?? 0 }

    /// - Throws: `.missingSpecialToken` when the tokeniser does not have it.
    package func id(_ role: Role) throws(TextError) -> Int32 {
        if let id = ids[role] { return id }
        throw missing(role.key, names[role]?.text ?? role.defaultName)
    }

    /// The error for a token that is not there.
    ///
    /// - Parameters:
    ///   - key: the setting that names it.
    ///   - name: its spelling.
    func missing(_ key: String, _ name: String) -> TextError {
        let role = key.utf8.reversed().starts(with: "_token".utf8.reversed()) ? String(key.dropLast(6)) : key
        return TextError(
            .missingSpecialToken, file: file,
            "the \(Role(rawValue: role).map { "\($0)" } ?? role) token \(name) is not in the vocabulary of "
                + "\(vocabularyCount) tokens; add it, or name another one as \(key) in tokenizer_config.json")
    }
}
