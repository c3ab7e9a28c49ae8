/// The five tokens that BERT gives a meaning, by spelling and id.
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
    }

    /// Spelling by role.
    let names: [Role: String]
    package let pad: Int32
    package let unk: Int32
    package let cls: Int32
    package let sep: Int32
    package let mask: Int32

    /// Looks each token up in the vocabulary.
    ///
    /// - Parameter names: spellings that differ from `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`.
    init(in vocabulary: Vocabulary, names: [Role: String], file: String?) throws(TextError) {
        var spelled: [Role: String] = [:]
        func id(_ role: Role) throws(TextError) -> Int32 {
            let name = names[role] ?? role.defaultName
            spelled[role] = name
            guard let id = vocabulary.id(of: name) else {
                throw TextError(
                    .missingSpecialToken, file: file,
                    "the \(role) token \(name) is not in the vocabulary of \(vocabulary.count) tokens; add it"
                )
            }
            return id
        }
        pad = try id(.padding)
        unk = try id(.unknown)
        cls = try id(.classification)
        sep = try id(.separator)
        mask = try id(.mask)
        self.names = spelled
    }

    /// Ids in the order of `Role.allCases`.
    var ids: [Int32] { [pad, unk, cls, sep, mask] }
}
