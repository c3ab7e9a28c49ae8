extension PipelineTokenizer {
    /// Trains a vocabulary on text files.
    ///
    /// - Parameters:
    ///   - size: tokens at most; little text gives fewer.
    ///   - lowercase: lower-case the text and strip its accents.
    /// - Throws: `FileError` for a file that cannot be read, `TextError` for files that are not text or have no words.
    package init(trainedOn texts: [String], size: Int, lowercase: Bool = true) throws {
        var words = WordCounts(lowercase: lowercase)
        for text in texts { try words.add(file: text) }
        let vocabulary = try Vocabulary(tokens: VocabularyTrainer(size: size).train(words))
        let special = SpecialTokens(in: vocabulary)
        var parts = Parts(
            vocabulary: vocabulary, special: special,
            model: .wordPiece(WordPieceModel(vocabulary: vocabulary, unknown: special[.unknown])),
            normalization: Normalization(steps: [.bert(BertNormalizer(lowercase: lowercase))]),
            template: .bert(cls: try special.id(.classification), sep: try special.id(.separator)))
        parts.addedTokens = SpecialTokens.Role.allCases.compactMap { role in
            special[role].map { NumberedToken(token: AddedToken(content: role.defaultName), id: $0) }
        }
        self.init(parts)
    }
}
