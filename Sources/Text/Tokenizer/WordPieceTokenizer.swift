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
    let normalizer: TextNormalizer
    /// Words of more scalars become the unknown token.
    let maxWordScalars: Int
    /// Tokens found before splitting, in the order of their ids; the five special ones are always among them.
    let addedTokens: [AddedToken]
    /// The `tokenizer.json` that this was loaded from, to be saved again as it is.
    let tokenizerJSON: [UInt8]?
    /// Members of the `tokenizer_config.json` that this was loaded from.
    let config: JSONValue?
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    init(
        vocabulary: Vocabulary, special: SpecialTokens, normalizer: TextNormalizer, maxWordScalars: Int = 100,
        addedTokens: [AddedToken] = [], tokenizerJSON: [UInt8]? = nil, config: JSONValue? = nil
    ) {
        self.vocabulary = vocabulary
        self.special = special
        self.normalizer = normalizer
        self.maxWordScalars = maxWordScalars
        self.tokenizerJSON = tokenizerJSON
        self.config = config
        var all = addedTokens
        for id in special.ids where !all.contains(where: { $0.id == id }) {
            all.append(AddedToken(content: vocabulary.tokens[Int(id)], id: id))
        }
        self.addedTokens = all.sorted { $0.id < $1.id }
        rawMatcher = AddedTokenMatcher(all.filter { !$0.normalized }.map { ($0, Array($0.content.utf8)) })
        normalizedMatcher = AddedTokenMatcher(
            all.filter(\.normalized).map { token in
                var content: [UInt8] = []
                Array(token.content.utf8).withUnsafeBufferPointer { normalizer.normalize($0, into: &content) }
                return (token, content)
            })
    }

    package var vocabularySize: Int { vocabulary.count }

    /// The ids of a text without special tokens around it; those inside the text are kept whole.
    package func tokenize(_ text: String) -> [Int32] {
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
                    normalizer.normalize(UnsafeBufferPointer(rebasing: bytes[range]), into: &normalized)
                    normalized.withUnsafeBufferPointer { appendNormalized($0, words: &words, to: &ids) }
                }
            }
        }
        return ids
    }

    /// The normalised words of a text, as they are before WordPiece splits them; added tokens get no notice.
    package func words(of text: String) -> [String] {
        var normalized: [UInt8] = []
        var words: [WordSplitter.Word] = []
        Array(text.utf8).withUnsafeBufferPointer { normalizer.normalize($0, into: &normalized) }
        normalized.withUnsafeBufferPointer { WordSplitter.split($0, into: &words) }
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
        WordSplitter.split(text, into: &words)
        for word in words {
            let isKnown =
                word.scalars <= maxWordScalars && vocabulary.appendPieces(of: text[word.range], to: &ids)
            if !isKnown { ids.append(special.unk) }
        }
    }

    /// Tokenises a text or a pair of texts and puts the special tokens around them.
    ///
    /// - Parameters:
    ///   - maxLength: the greatest number of tokens, special ones included; `nil` for no limit.
    ///   - truncation: which text is cut when there are more.
    /// - Throws: `.cannotTruncate` when `maxLength` has no room for the special tokens, or the strategy
    ///   cannot remove enough.
    package func encode(
        _ text: String, pair: String? = nil, maxLength: Int? = nil, truncation: Truncation = .longestFirst
    ) throws(TextError) -> Encoding {
        let first = tokenize(text)
        let second = pair.map(tokenize)
        var kept = (text: first.count, pair: second?.count ?? 0)
        if let maxLength, truncation != .doNotTruncate {
            let specials = second == nil ? 2 : 3
            guard maxLength >= specials else {
                throw TextError(
                    .cannotTruncate,
                    "maxLength \(maxLength) has no room for \(specials) special tokens; raise it")
            }
            kept = try truncation.lengths(
                text: first.count, pair: second?.count, budget: maxLength - specials)
        }
        var ids = [special.cls] + first.prefix(kept.text) + [special.sep]
        var typeIDs = [Int32](repeating: 0, count: ids.count)
        if let second {
            ids += second.prefix(kept.pair) + [special.sep]
            typeIDs += repeatElement(1, count: kept.pair + 1)
        }
        return Encoding(ids: ids, typeIDs: typeIDs)
    }
}
