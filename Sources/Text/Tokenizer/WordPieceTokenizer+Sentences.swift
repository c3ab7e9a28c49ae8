extension WordPieceTokenizer {
    /// This tokeniser with every text made lower-case before it is normalised, as sentence-transformers'
    /// `do_lower_case` does: accents stay unless the tokeniser removes them itself.
    package func lowercased() -> WordPieceTokenizer {
        var normalizer = normalizer
        normalizer.stripAccents = normalizer.stripAccents ?? normalizer.lowercase
        normalizer.lowercase = true
        return WordPieceTokenizer(
            vocabulary: vocabulary, special: special, normalizer: normalizer, maxWordScalars: maxWordScalars,
            addedTokens: addedTokens, tokenizerJSON: tokenizerJSON, config: config)
    }

    /// The tokens of a prompt that stands before a text: `[CLS]` and its own, `[SEP]` left out.
    ///
    /// - Parameter maxLength: the greatest number of tokens, special ones included.
    package func promptLength(_ prompt: String, maxLength: Int) throws(TextError) -> Int {
        try encode(prompt, maxLength: maxLength).count - 1
    }

    /// The greatest number of tokens, special ones included, that the `tokenizer_config.json` allows.
    ///
    /// - Returns: nil when it says nothing, or a number beyond any model, which Transformers writes for no limit.
    package var maxLength: Int? {
        guard let number = (config?["model_max_length"] ?? config?["max_len"])?.number else { return nil }
        return number.integer.flatMap { $0 < Int32.max ? $0 : nil }
    }
}
