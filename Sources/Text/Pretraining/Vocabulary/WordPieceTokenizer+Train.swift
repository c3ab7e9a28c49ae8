extension WordPieceTokenizer {
    /// Trains a vocabulary on text files.
    ///
    /// - Parameters:
    ///   - size: tokens at most; little text gives fewer.
    ///   - lowercase: lower-case the text and strip its accents.
    /// - Throws: `TextError` for a file that cannot be read, or files without words.
    package init(trainedOn texts: [String], size: Int, lowercase: Bool = true) throws(TextError) {
        var words = WordCounts(lowercase: lowercase)
        for text in texts { try words.add(file: text) }
        let vocabulary = try Vocabulary(tokens: VocabularyTrainer(size: size).train(words))
        self.init(
            vocabulary: vocabulary, special: try SpecialTokens(in: vocabulary, names: [:], file: nil),
            normalizer: TextNormalizer(lowercase: lowercase))
    }
}
