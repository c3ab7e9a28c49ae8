extension WordPieceTokenizer {
    /// Continuing tokens are joined to their word; blanks go between words.
    package func text(joining tokens: [String], cleanUp: Bool) -> String {
        let prefix = vocabulary.continuingPrefix
        var text = ""
        for (index, token) in tokens.enumerated() {
            var piece = token
            if index > 0 {
                let continues = token.utf8.starts(with: prefix.utf8)
                piece = continues ? String(utf8: token.utf8.dropFirst(prefix.utf8.count)) : " " + token
            }
            text += cleanUp ? WordPieceTokenizer.cleanUp(piece) : piece
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
