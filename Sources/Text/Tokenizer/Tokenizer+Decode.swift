extension Tokenizer {
    /// Turns ids back into text.
    ///
    /// - Parameters:
    ///   - skipSpecialTokens: leave out `[CLS]`, `[SEP]`, `[PAD]` and the like.
    ///   - cleanUp: drop the blank before `.?!,` and English contractions, as HF's decoders do.
    /// - Throws: `.unknownTokenID` for an id that no token has, and what `text(joining:cleanUp:)` throws.
    package func decode(
        _ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true, cleanUp: Bool = true
    ) throws(TextError) -> String {
        let skipped = skipSpecialTokens ? Set(addedTokens.filter(\.token.special).map(\.id)) : []
        var tokens: [String] = []
        for id in ids {
            guard let token = token(of: id) else {
                throw TextError(
                    .unknownTokenID,
                    "token id \(id) is not in the vocabulary; expected 0 to \(vocabularySize - 1)")
            }
            if !skipped.contains(id) { tokens.append(token) }
        }
        return try text(joining: tokens, cleanUp: cleanUp)
    }
}
