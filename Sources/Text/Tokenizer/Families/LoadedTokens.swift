import Support

/// The added and special tokens of a tokeniser, from all its files.
struct LoadedTokens {
    var added: AddedVocabulary
    let special: SpecialTokens
    private let names: NamedTokens
    private let settings: TokenizerSettings
    /// With the tokens of the files only, not those that a class takes when no file names them.
    private let inFiles: AddedVocabulary

    /// - Parameters:
    ///   - model: tokens that the files of the vocabulary add.
    ///   - document: added tokens of the `tokenizer.json` with the ids that it states.
    ///   - family: the class, which adds the special tokens that no file names; `nil` for none.
    init(
        _ vocabulary: Vocabulary, model: [AddedToken], document: [(token: AddedToken, id: Int32)],
        _ names: NamedTokens, _ family: TokenizerFamily?, _ settings: TokenizerSettings, file: String
    ) {
        let isSpecial = Set(names.tokens.map { TextKey($0.token.content) })
        var added = AddedVocabulary(vocabulary)
        for (token, id) in document { added.add(token, stated: (id, file)) }
        for (token, id, file) in settings.added {
            var token = token
            token.special = token.special || isSpecial.contains(TextKey(token.content))
            added.add(token, stated: (id, file))
        }
        inFiles = added
        for (key, token) in names.tokens
        where (family != nil || settings.states(key)) && !added.contains(token.content) {
            added.add(token)
        }
        let additional =
            !settings.additional.isEmpty
            ? settings.additional : !model.isEmpty ? model : family?.additionalTokens ?? []
        for token in additional where !added.contains(token.content) { added.add(token) }
        self.names = names
        self.settings = settings
        self.added = added

        var spellings: [SpecialTokens.Role: TextKey] = [:]
        var ids: [SpecialTokens.Role: Int32] = [:]
        for role in SpecialTokens.Role.allCases {
            guard let text = names.text(TextKey(role.key)) else { continue }
            spellings[role] = TextKey(text)
            // A token that no file names, and that is not in the vocabulary, has no row of the model.
            ids[role] = (settings.states(TextKey(role.key)) ? added : inFiles).id(of: text)
        }
        special = SpecialTokens(names: spellings, ids: ids, vocabularyCount: vocabulary.count, file: file)
    }

    /// The id of a special token by its setting, such as `cls_token`.
    ///
    /// - Throws: `.missingSpecialToken` when there is no such token.
    func id(_ key: TextKey) throws(TextError) -> Int32 {
        if let role = SpecialTokens.Role.allCases.first(where: { TextKey($0.key) == key }) {
            return try special.id(role)
        }
        guard let text = names.text(key), let id = (settings.states(key) ? added : inFiles).id(of: text)
        else {
            throw special.missing(key.text, names.text(key) ?? key.text)
        }
        return id
    }
}
