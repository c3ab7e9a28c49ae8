/// A tokenised sentence whose words are known.
package struct WordEncoding: Sendable, Equatable {
    package let encoding: Encoding
    /// Where each word's first piece is among the tokens; of the words whose first piece was not cut off.
    package let firstPieces: [Int32]
    /// How many words at the start have no first piece: they were cut off on the left.
    package let droppedWords: Int

    /// What belongs to the words that were not cut off, of something that belongs to all words.
    package func kept<Element>(of all: [Element]) -> ArraySlice<Element> {
        all.dropFirst(droppedWords).prefix(firstPieces.count)
    }
}

extension Tokenizer {
    /// Tokenises a sentence word by word, as Hugging Face does with `is_split_into_words`.
    ///
    /// A word that nothing is left of, such as a control character, is the unknown token here, so that every word has a
    /// first piece.
    ///
    /// - Parameters:
    ///   - maxLength: the greatest number of tokens, the special ones included; at least those. What is too much is cut
    ///     off.
    ///   - side: which end is cut; the tokeniser's own side when `nil`.
    /// - Throws: what `tokenize` throws.
    package func encode(
        words: [String], maxLength: Int? = nil, side: TruncationSide? = nil
    ) throws(TextError) -> WordEncoding {
        let side = side ?? truncationSide
        let template = template
        let limit = max(0, (maxLength ?? .max) - template.specialCount(isPair: false))
        var ids: [Int32] = []
        var starts: [Int] = []
        for word in words {
            if side == .right, ids.count >= limit { break }
            let pieces = try tokenize(word)
            starts.append(ids.count)
            ids += pieces.isEmpty ? [try unknownPiece()] : pieces
        }
        let kept = side.keep(min(limit, ids.count), of: ids)
        let dropped = starts.prefix { $0 < kept.startIndex }.count
        let offset = template.prefixCount - kept.startIndex
        let firstPieces = starts.dropFirst(dropped).prefix { $0 < kept.endIndex }.map { Int32($0 + offset) }
        return WordEncoding(
            encoding: template.encoding(kept, pair: nil), firstPieces: firstPieces,
            droppedWords: dropped)
    }
}
