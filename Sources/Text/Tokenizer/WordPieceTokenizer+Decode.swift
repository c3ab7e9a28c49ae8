extension WordPieceTokenizer {
    /// Turns ids back into text: continuing tokens are joined to their word, blanks go between words.
    ///
    /// - Parameters:
    ///   - skipSpecialTokens: leave out `[CLS]`, `[SEP]`, `[PAD]` and the like.
    ///   - cleanUp: drop the blank before `.?!,` and English contractions, as HF's decoder does.
    /// - Throws: `.unknownTokenID` for an id that is not in the vocabulary.
    package func decode(
        _ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true, cleanUp: Bool = true
    ) throws(TextError) -> String {
        let skipped = Set(parts.addedTokens.filter(\.token.special).map(\.id))
        let prefix = vocabulary.continuingPrefix
        var text = ""
        var isFirst = true
        for id in ids {
            guard let token = vocabulary.token(of: id) else {
                throw TextError(
                    .unknownTokenID,
                    "token id \(id) is not in the vocabulary; expected 0 to \(vocabularySize - 1)")
            }
            if skipSpecialTokens, skipped.contains(id) { continue }
            var piece = token
            if !isFirst {
                let continues = token.utf8.starts(with: prefix.utf8)
                piece = continues ? String(utf8: token.utf8.dropFirst(prefix.utf8.count)) : " " + token
            }
            text += cleanUp ? WordPieceTokenizer.cleanUp(piece) : piece
            isFirst = false
        }
        return text
    }

    /// Removes the blank before a decoded piece where English has none.
    ///
    /// The list of beginnings is that of HF's decoder.
    private static func cleanUp(_ piece: String) -> String {
        let joined = [" .", " ?", " !", " ,", " n't", " 'm", " 's", " 've", " 're"]
        return joined.contains { piece.utf8.starts(with: $0.utf8) }
            ? String(utf8: piece.utf8.dropFirst()) : piece
    }
}
