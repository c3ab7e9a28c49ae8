import Support

extension Tokenizer {
    /// The ids of a text without special tokens around it; those inside the text are kept whole.
    ///
    /// - Throws: what `pieces(of:)` throws, and `.unknownTokenID` for a token that the model has no row for.
    package func tokenize(_ text: String) throws(TextError) -> [Int32] {
        let ids = try pieces(of: text)
        if tokenCount > rows { try checkRows(of: ids) }
        return ids
    }

    /// The tokens of a text with the part of it that each stands for.
    ///
    /// - Throws: as `tokenize`.
    func checkedSpans(of text: String) throws(TextError) -> [TokenSpan] {
        let spans = try spans(of: text)
        if tokenCount > rows { try checkRows(of: spans.map(\.id)) }
        return spans
    }

    /// Tokenises a text or a pair of texts and puts the special tokens around them.
    ///
    /// - Parameters:
    ///   - maxLength: the greatest number of tokens, special ones included; `nil` for no limit.
    ///   - truncation: which text is cut when there are more.
    ///   - side: which end is cut; the tokeniser's own side when `nil`.
    /// - Throws: `.cannotTruncate` when `maxLength` has no room for the special tokens, or the strategy
    ///   cannot remove enough; and what `tokenize` throws.
    package func encode(
        _ text: String, pair: String? = nil, maxLength: Int? = nil, truncation: Truncation = .longestFirst,
        side: TruncationSide? = nil
    ) throws(TextError) -> Encoding {
        let first = try tokenize(text)
        var second: [Int32]?
        if let pair { second = try tokenize(pair) }
        var kept = (text: first.count, pair: second?.count ?? 0)
        let template = template
        if let maxLength, truncation != .doNotTruncate {
            let specials = template.specialCount(isPair: second != nil)
            guard maxLength >= specials else {
                throw TextError(
                    .cannotTruncate,
                    "maxLength \(maxLength) has no room for \(specials) special tokens; raise it")
            }
            kept = try truncation.lengths(
                text: first.count, pair: second?.count, budget: maxLength - specials)
        }
        let side = side ?? truncationSide
        return template.encoding(
            side.keep(kept.text, of: first), pair: second.map { side.keep(kept.pair, of: $0) })
    }

    /// The tokens of a prompt that stands before a text: its own and those before it, such as `[CLS]`, but not what comes
    /// after it.
    ///
    /// - Parameter maxLength: the greatest number of tokens, special ones included.
    package func promptLength(_ prompt: String, maxLength: Int) throws(TextError) -> Int {
        let ids = try encode(prompt, maxLength: maxLength).ids
        let specialIDs = SpecialTokens.Role.allCases.compactMap { special[$0] }
        return ids.last.map { specialIDs.contains($0) } ?? false ? ids.count - 1 : ids.count
    }
}

// MARK: The limits of a model

extension Tokenizer {
    /// One more than the greatest id that the model can take.
    package var vocabularySize: Int { min(tokenCount, rows) }

    /// How many kinds of token types the model needs for single texts or pairs.
    package func tokenTypes(isPair: Bool) -> Int {
        1 + Int(template.parts(isPair: isPair).map(\.type).max() ?? 0)
    }

    /// Makes this the tokeniser of a model with so many rows of tokens: tokens that have none are refused where a text
    /// has them.
    ///
    /// - Parameter types: rows of token types.
    /// - Throws: `.unknownTokenID` or `.unsupportedTokenizer` when every text would need a row that is not there.
    package func limited(toRows rows: Int, types: Int) throws(TextError) -> Self {
        var result = self
        result.rows = rows
        do {
            // Those of a post-processor may be none of the vocabulary's either.
            try result.checkRows(of: template.specialIDs)
        } catch {
            throw TextError(error.kind, file: path, error.message)
        }
        guard tokenTypes(isPair: false) <= types else {
            throw TextError(
                .unsupportedTokenizer, file: path,
                "gives tokens the type \(tokenTypes(isPair: false) - 1), but the model has \(types) types; correct the "
                    + "post_processor of tokenizer.json")
        }
        return result
    }

    private func checkRows(of ids: [Int32]) throws(TextError) {
        let rows = rows
        guard let id = ids.first(where: { $0 >= rows }) else { return }
        throw TextError(
            .unknownTokenID,
            "the token \(quotedJSON(token(of: id) ?? "")) has id \(id), but the model only has rows for "
                + "\(rows) tokens; use the vocabulary that the model was trained with")
    }
}
