/// HF's decoder of `WordPiece`: continuing tokens are joined to their word; blanks go between words.
struct WordPieceDecoder {
    let prefix: String
    /// Drop the blank before `.?!,` and English contractions.
    let cleansUp: Bool

    func apply(to tokens: [String]) -> [String] {
        tokens.enumerated().map { index, token in
            var piece = token
            if index > 0 {
                let continues = token.utf8.starts(with: prefix.utf8)
                piece = continues ? String(utf8: token.utf8.dropFirst(prefix.utf8.count)) : " " + token
            }
            return cleansUp ? WordPieceDecoder.cleanUp(piece) : piece
        }
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
