import Text

/// Makes token ids of texts within a model's limits. Any number of threads may use one at a time.
struct InputEncoder: Sendable {
    let tokenizer: any Tokenizer
    /// The greatest number of tokens of a sequence.
    let maxLength: Int
    /// Kinds of token types that the model has.
    let tokenTypes: Int

    /// Tokenises a text or a pair.
    ///
    /// - Parameters:
    ///   - truncation: which text is cut when there are too many tokens; with `doNotTruncate` that is an error.
    ///   - side: which end is cut; the tokeniser's own side when `nil`.
    ///   - place: names the input in errors.
    func encode(
        _ input: TextPair, truncates truncation: Truncation, side: TruncationSide? = nil,
        at place: @autoclosure () -> String
    ) throws -> (encoding: Encoding, isCut: Bool) {
        guard input.pair == nil || tokenTypes >= tokenizer.tokenTypes(isPair: true) else {
            throw ModelError(
                .invalidInput, "is a pair, but the model has only one token type; give single texts",
                at: place())
        }
        let whole = try located(at: place()) { () throws(TextError) in
            try tokenizer.encode(input.text, pair: input.pair)
        }
        if whole.count <= maxLength { return (whole, false) }
        guard truncation != .doNotTruncate else { throw tooLong(whole, at: place()) }
        let cut = try located(at: place()) { () throws(TextError) in
            try tokenizer.encode(
                input.text, pair: input.pair, maxLength: maxLength, truncation: truncation, side: side)
        }
        return (cut, true)
    }

    /// Tokenises an input; errors name it.
    func located<Result>(
        at place: @autoclosure () -> String, _ encode: () throws(TextError) -> Result
    ) throws -> Result {
        do {
            return try encode()
        } catch {
            throw ModelError(.invalidInput, error.message, at: place())
        }
    }

    func tooLong(_ encoding: Encoding, at place: String) -> ModelError {
        ModelError(
            .invalidInput,
            "has \(encoding.count) tokens but at most \(maxLength) are allowed; shorten it or allow truncation",
            at: place)
    }
}
