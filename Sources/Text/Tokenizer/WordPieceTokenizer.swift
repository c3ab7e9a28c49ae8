import Support

/// BERT's tokeniser: normalisation, splitting into words, and greedy WordPiece.
///
/// Gives the same ids as HF's `BertTokenizer`.
///
/// ```swift
/// let tokenizer = try WordPieceTokenizer(contentsOf: "data/minilm")
/// let encoding = try tokenizer.encode("A fine film.", maxLength: 128)
/// ```
package struct WordPieceTokenizer: Sendable {
    package let vocabulary: Vocabulary
    package let special: SpecialTokens
    /// The greatest number of tokens of a sequence, if the tokeniser's files say it.
    package let modelMaxLength: Int?
    /// Which end of a long text is cut.
    package let truncationSide: TruncationSide
    /// Settings of the tokeniser's files that have no effect, or an unexpected one; one line each.
    package let notes: [String]
    let parts: Parts
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    /// Rows of the model's table of tokens.
    private var rows = Int.max

    /// What a tokeniser is made of.
    struct Parts: Sendable {
        var vocabulary: Vocabulary
        var special: SpecialTokens
        var normalization: Normalization
        var splitting = WordSplitting.bert
        var template: SequenceTemplate
        /// Words of more scalars become the unknown token.
        var maxWordScalars = 100
        /// What words become that have no pieces.
        var unknown: Int32?
        /// Tokens found before splitting.
        var addedTokens: [NumberedToken] = []
        /// Whether special tokens in a text are split like any other text.
        var splitsSpecialTokens = false
        var modelMaxLength: Int?
        var truncationSide = TruncationSide.right
        var notes: [String] = []
        /// What this was loaded from, to be saved again as it is.
        var files: TokenizerFiles
        /// The name of the class in HF.
        var className = "BertTokenizer"

        init(
            vocabulary: Vocabulary, special: SpecialTokens, normalization: Normalization,
            template: SequenceTemplate
        ) {
            self.vocabulary = vocabulary
            self.special = special
            self.normalization = normalization
            self.template = template
            files = TokenizerFiles(vocabulary: vocabulary)
        }
    }

    init(_ parts: Parts) {
        vocabulary = parts.vocabulary
        special = parts.special
        modelMaxLength = parts.modelMaxLength
        truncationSide = parts.truncationSide
        notes = parts.notes
        self.parts = parts
        // Of two that are spelled alike once they are normalised, HF finds the special one.
        let special = parts.splitsSpecialTokens ? [] : parts.addedTokens.filter(\.token.special)
        let all = special + parts.addedTokens.filter { !$0.token.special }
        rawMatcher = AddedTokenMatcher(
            all.filter { !$0.token.normalized }.map { ($0, Array($0.token.content.utf8)) })
        normalizedMatcher = AddedTokenMatcher(
            all.filter(\.token.normalized).map { token in
                var content: [UInt8] = []
                Array(token.token.content.utf8).withUnsafeBufferPointer {
                    parts.normalization.normalize($0, into: &content)
                }
                return (token, content)
            })
    }

    /// One more than the greatest id that the model can take.
    package var vocabularySize: Int { min(vocabulary.count, rows) }

    /// How many kinds of token types the model needs for single texts or pairs.
    package func tokenTypes(isPair: Bool) -> Int {
        1 + Int(parts.template.parts(isPair: isPair).map(\.type).max() ?? 0)
    }

    /// Makes this the tokeniser of a model with so many rows of tokens: tokens that have none are refused where a text
    /// has them.
    ///
    /// - Parameter types: rows of token types.
    /// - Throws: `.unknownTokenID` or `.unsupportedTokenizer` when every text would need a row that is not there.
    package func limited(toRows rows: Int, types: Int) throws(TextError) -> WordPieceTokenizer {
        var result = self
        result.rows = rows
        let file = parts.files.path
        do {
            try result.checkRows(of: parts.template.single.flatMap(\.specialIDs))
        } catch {
            throw TextError(error.kind, file: file, error.message)
        }
        guard tokenTypes(isPair: false) <= types else {
            throw TextError(
                .unsupportedTokenizer, file: file,
                "gives tokens the type \(tokenTypes(isPair: false) - 1), but the model has \(types) types; correct the "
                    + "post_processor of tokenizer.json")
        }
        return result
    }

    private func checkRows(of ids: some Sequence<Int32>) throws(TextError) {
        guard vocabulary.count > rows, let id = ids.first(where: { $0 >= rows }) else { return }
        throw TextError(
            .unknownTokenID,
            "the token \(quotedJSON(vocabulary.token(of: id) ?? "")) has id \(id), but the model only has rows for "
                + "\(rows) tokens; use the vocabulary that the model was trained with")
    }

    /// The ids of a text without special tokens around it; those inside the text are kept whole.
    ///
    /// - Throws: `.missingSpecialToken` for an unknown word when the vocabulary has no token for them,
    ///   `.unknownTokenID` for a token that the model has no row for.
    package func tokenize(_ text: String) throws(TextError) -> [Int32] {
        var text = text
        var ids: [Int32] = []
        text.withUTF8 { bytes in
            ids.reserveCapacity(bytes.count / 4 + 2)
            var normalized: [UInt8] = []
            var words: [WordSplitter.Word] = []
            for piece in rawMatcher.pieces(of: bytes) {
                switch piece {
                case .token(let id): ids.append(id)
                case .text(let range):
                    normalized.removeAll(keepingCapacity: true)
                    parts.normalization.normalize(
                        UnsafeBufferPointer(rebasing: bytes[range]), into: &normalized)
                    normalized.withUnsafeBufferPointer { appendNormalized($0, words: &words, to: &ids) }
                }
            }
        }
        if parts.unknown == nil, ids.contains(WordPieceTokenizer.noToken) { throw missingUnknownToken }
        try checkRows(of: ids)
        return ids
    }

    /// Stands for an unknown word until it is found out that there is no token for it.
    private static let noToken: Int32 = -1

    /// What stands for a word that has no pieces.
    func unknownToken() throws(TextError) -> Int32 {
        guard let unknown = parts.unknown else { throw missingUnknownToken }
        return unknown
    }

    private var missingUnknownToken: TextError {
        let name = special.names[.unknown].map { " \($0)" } ?? ""
        return TextError(
            .missingSpecialToken,
            "a word is not in the vocabulary, and neither is the unknown token\(name) that would stand for it; "
                + "add it, or name another one as unk_token in tokenizer_config.json")
    }

    /// The normalised words of a text, as they are before WordPiece splits them; added tokens get no notice.
    package func words(of text: String) -> [String] {
        var normalized: [UInt8] = []
        var words: [WordSplitter.Word] = []
        Array(text.utf8).withUnsafeBufferPointer { parts.normalization.normalize($0, into: &normalized) }
        normalized.withUnsafeBufferPointer { parts.splitting.split($0, into: &words) }
        return words.map { String(utf8: normalized[$0.range]) }
    }

    private func appendNormalized(
        _ text: UnsafeBufferPointer<UInt8>, words: inout [WordSplitter.Word], to ids: inout [Int32]
    ) {
        guard !normalizedMatcher.isEmpty else { return appendWords(of: text, words: &words, to: &ids) }
        for piece in normalizedMatcher.pieces(of: text) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                appendWords(of: UnsafeBufferPointer(rebasing: text[range]), words: &words, to: &ids)
            }
        }
    }

    private func appendWords(
        of text: UnsafeBufferPointer<UInt8>, words: inout [WordSplitter.Word], to ids: inout [Int32]
    ) {
        words.removeAll(keepingCapacity: true)
        parts.splitting.split(text, into: &words)
        for word in words {
            let isKnown =
                word.scalars <= parts.maxWordScalars
                && vocabulary.appendPieces(of: text[word.range], to: &ids)
            if !isKnown { ids.append(parts.unknown ?? WordPieceTokenizer.noToken) }
        }
    }

    /// Tokenises a text or a pair of texts and puts the special tokens around them.
    ///
    /// - Parameters:
    ///   - maxLength: the greatest number of tokens, special ones included; `nil` for no limit.
    ///   - truncation: which text is cut when there are more.
    /// - Throws: `.cannotTruncate` when `maxLength` has no room for the special tokens, or the strategy
    ///   cannot remove enough; and what `tokenize` throws.
    package func encode(
        _ text: String, pair: String? = nil, maxLength: Int? = nil, truncation: Truncation = .longestFirst
    ) throws(TextError) -> Encoding {
        let first = try tokenize(text)
        var second: [Int32]?
        if let pair { second = try tokenize(pair) }
        var kept = (text: first.count, pair: second?.count ?? 0)
        if let maxLength, truncation != .doNotTruncate {
            let specials = parts.template.specialCount(isPair: second != nil)
            guard maxLength >= specials else {
                throw TextError(
                    .cannotTruncate,
                    "maxLength \(maxLength) has no room for \(specials) special tokens; raise it")
            }
            kept = try truncation.lengths(
                text: first.count, pair: second?.count, budget: maxLength - specials)
        }
        return parts.template.encoding(
            truncationSide.keep(kept.text, of: first),
            pair: second.map { truncationSide.keep(kept.pair, of: $0) })
    }
}
