import Support

extension WordPieceTokenizer {
    /// This tokeniser with every text made lower-case before anything else, as sentence-transformers' `do_lower_case`
    /// does: accents stay unless the tokeniser removes them itself, and `[MASK]` in a text is no token any more.
    package func lowercased() -> WordPieceTokenizer {
        var parts = parts
        parts.lowercasesTexts = true
        return WordPieceTokenizer(parts)
    }

    /// The tokens of a prompt that stands before a text: `[CLS]` and its own, `[SEP]` left out.
    ///
    /// - Parameter maxLength: the greatest number of tokens, special ones included.
    package func promptLength(_ prompt: String, maxLength: Int) throws(TextError) -> Int {
        try encode(prompt, maxLength: maxLength).count - 1
    }
}

extension WordPieceTokenizer.Parts {
    /// Settings of `tokenizer_config.json` that lower-case texts, for a tokeniser that is saved without the
    /// sentence-transformers module that did it.
    var lowercasingSettings: JSONObject {
        guard lowercasesTexts, let normalizer = normalization.bert else { return [:] }
        return [
            "do_lower_case": .bool(true),
            "strip_accents": .bool(normalizer.stripAccents ?? normalizer.lowercase),
        ]
    }
}

extension String {
    /// Lower case as Python's `str.lower` makes it: a sigma at the end of a word is ς.
    var lowercasedAsInPython: String {
        let scalars = Array(unicodeScalars)
        var result = String.UnicodeScalarView()
        // Whether a cased letter stands before, with nothing but marks and the like in between.
        var followsLetter = false
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\u{3A3}", followsLetter {
                let next = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
                result.append(next?.properties.isCased ?? false ? "\u{3C3}" : "\u{3C2}")
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
            if !scalar.properties.isCaseIgnorable { followsLetter = scalar.properties.isCased }
        }
        return String(result)
    }
}
