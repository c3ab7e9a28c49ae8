import Support

/// BERT's tokeniser: normalisation, splitting into words, and greedy WordPiece.
///
/// Gives the same ids as HF's `BertTokenizer`.
package struct WordPieceTokenizer: Tokenizer {
    package let vocabulary: Vocabulary
    package let special: SpecialTokens
    package let template: SequenceTemplate
    package let modelMaxLength: Int?
    package let truncationSide: TruncationSide
    package let addedTokens: [NumberedToken]
    package let notes: [String]
    package var rows = Int.max
    let parts: Parts
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

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
        template = parts.template
        addedTokens = parts.addedTokens
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

    package var path: String { parts.files.path }

    package var tokenCount: Int { vocabulary.count }

    package func token(of id: Int32) -> String? { vocabulary.token(of: id) }

    package func continuesWord(_ id: Int32) -> Bool {
        vocabulary.token(of: id)?.utf8.starts(with: vocabulary.continuingPrefix.utf8) ?? false
    }

    package var contentHash: UInt64 {
        var hash = Fingerprint()
        for token in vocabulary.tokens { hash.addWords(token) }
        for token in addedTokens { hash.addWords("\(token)") }
        hash.addWords(
            "\(parts.normalization) \(parts.splitting) \(parts.maxWordScalars) \(vocabulary.continuingPrefix) "
                + "\(parts.unknown ?? -1)")
        return hash.value
    }

    package func pieces(of text: String) throws(TextError) -> [Int32] {
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
        return ids
    }

    /// Stands for an unknown word until it is found out that there is no token for it.
    private static let noToken: Int32 = -1

    package func unknownPiece() throws(TextError) -> Int32 {
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
}
