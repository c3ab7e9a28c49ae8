/// A tokenised sentence whose words are known.
package struct WordEncoding: Sendable, Equatable {
    package let encoding: Encoding
    /// Where each word's first piece is among the tokens; of the words that were not cut off.
    package let firstPieces: [Int32]
}

extension WordPieceTokenizer {
    /// Tokenises a sentence word by word, as Hugging Face does with `is_split_into_words`.
    ///
    /// A word that nothing is left of, such as a control character, is the unknown token here, so that every word has a
    /// first piece.
    ///
    /// - Parameter maxLength: the greatest number of tokens, the two special ones included; at least 2. What comes after
    ///   is cut off.
    package func encode(words: [String], maxLength: Int? = nil) -> WordEncoding {
        let limit = (maxLength ?? .max) - 1
        var ids = [special.cls]
        var firstPieces: [Int32] = []
        for word in words where ids.count < limit {
            let pieces = tokenize(word)
            firstPieces.append(Int32(ids.count))
            ids += pieces.isEmpty ? [special.unk] : pieces
        }
        ids.removeLast(max(0, ids.count - limit))
        ids.append(special.sep)
        return WordEncoding(
            encoding: Encoding(ids: ids, typeIDs: [Int32](repeating: 0, count: ids.count)),
            firstPieces: firstPieces)
    }
}
