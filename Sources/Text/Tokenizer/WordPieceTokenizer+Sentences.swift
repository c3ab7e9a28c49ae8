extension WordPieceTokenizer {
    /// This tokeniser with every text made lower-case before anything else, as sentence-transformers' `do_lower_case`
    /// does: accents stay unless the tokeniser removes them itself, and an added token with capitals is not found.
    package func lowercased() -> WordPieceTokenizer {
        var result = self
        result.lowercasesTexts = true
        return result
    }

    /// The tokens of a prompt that stands before a text: `[CLS]` and its own, `[SEP]` left out.
    ///
    /// - Parameter maxLength: the greatest number of tokens, special ones included.
    package func promptLength(_ prompt: String, maxLength: Int) throws(TextError) -> Int {
        try encode(prompt, maxLength: maxLength).count - 1
    }
}
