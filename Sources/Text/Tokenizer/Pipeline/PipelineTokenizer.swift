import Support

/// A tokeniser that takes texts through steps, as HF's `tokenizers` do: added tokens are found, the rest is normalised,
/// split into words, and the words into pieces by a model.
///
/// Gives the same ids as the class of HF that the files name.
package struct PipelineTokenizer: Tokenizer {
    package var rows = Int.max
    /// One reference, so that threads that share the tokeniser need not count those to all of its parts.
    private let core: Core

    /// Everything that does not change.
    private final class Core: Sendable {
        let parts: Parts
        let rawMatcher: AddedTokenMatcher
        let normalizedMatcher: AddedTokenMatcher
        let scratch = ScratchPool()

        init(_ parts: Parts, _ rawMatcher: AddedTokenMatcher, _ normalizedMatcher: AddedTokenMatcher) {
            self.parts = parts
            self.rawMatcher = rawMatcher
            self.normalizedMatcher = normalizedMatcher
        }
    }

    package var vocabulary: Vocabulary { core.parts.vocabulary }
    package var special: SpecialTokens { core.parts.special }
    package var template: SequenceTemplate { core.parts.template }
    package var modelMaxLength: Int? { core.parts.modelMaxLength }
    package var truncationSide: TruncationSide { core.parts.truncationSide }
    package var addedTokens: [NumberedToken] { core.parts.addedTokens }
    package var notes: [String] { core.parts.notes }
    var parts: Parts { _read { yield core.parts } }
    var rawMatcher: AddedTokenMatcher { _read { yield core.rawMatcher } }
    var normalizedMatcher: AddedTokenMatcher { _read { yield core.normalizedMatcher } }
    private var scratch: ScratchPool { core.scratch }

    /// What a tokeniser is made of.
    struct Parts: Sendable {
        /// The tokens of the model and the added ones.
        var vocabulary: Vocabulary
        var special: SpecialTokens
        var normalization: Normalization
        var splitting = WordSplitting.bert
        var model: TokenModel
        var template: SequenceTemplate
        var trimming: OffsetTrimming?
        var decoding = Decoding.wordPiece
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
            vocabulary: Vocabulary, special: SpecialTokens, model: TokenModel, normalization: Normalization,
            template: SequenceTemplate
        ) {
            self.vocabulary = vocabulary
            self.special = special
            self.model = model
            self.normalization = normalization
            self.template = template
            files = TokenizerFiles(vocabulary: vocabulary)
        }
    }

    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on an added token.
    init(_ parts: Parts) throws(TextError) {
        // Of two that are spelled alike once they are normalised, HF finds the special one.
        let special = parts.splitsSpecialTokens ? [] : parts.addedTokens.filter(\.token.special)
        let all = special + parts.addedTokens.filter { !$0.token.special }
        let rawMatcher = AddedTokenMatcher(
            all.filter { !$0.token.normalized }.map { ($0, Array($0.token.content.utf8)) })
        let normalizedMatcher = AddedTokenMatcher(
            try all.filter(\.token.normalized).map { (token) throws(TextError) in
                let content = Array(token.token.content.utf8)
                return (token, try content.withUnsafeBufferPointer(parts.normalization.normalized))
            })
        core = Core(parts, rawMatcher, normalizedMatcher)
    }

    package var path: String { parts.files.path }

    package var tokenCount: Int { vocabulary.count }

    package func token(of id: Int32) -> String? { vocabulary.token(of: id) }

    package func continuesWord(_ id: Int32) -> Bool {
        guard let token = vocabulary.token(of: id) else { return false }
        return parts.wordMark.map { $0.continuesWord(token) } ?? false
    }

    package var marksWords: Bool { parts.wordMark != nil }

    package var contentHash: UInt64 {
        var hash = Fingerprint()
        for token in vocabulary.tokens { hash.addWords(token) }
        for token in addedTokens { hash.addWords("\(token)") }
        hash.addWords(
            "\(parts.normalization) \(parts.splitting) \(parts.model.kind) \(parts.model.settings)")
        return hash.value
    }

    package func pieces(of text: String) throws(TextError) -> [Int32] {
        let ids = try text.withBytes { (bytes) throws(TextError) in
            try scratch.withScratch { (scratch) throws(TextError) in
                var output = IDOutput()
                output.ids.reserveCapacity(bytes.count / 4 + 2)
                if parts.splitting.needsOrigins {
                    var splitter = PieceSplitter<TracedText>()
                    try splitter.append(bytes, self, cache: &scratch.cache, to: &output)
                } else {
                    try scratch.text.append(bytes, self, cache: &scratch.cache, to: &output)
                }
                return output.ids
            }
        }
        if parts.model.unknown ?? TokenModel.noToken < 0, ids.contains(TokenModel.noToken) {
            throw missingUnknownToken
        }
        return ids
    }

    package func spans(of text: String) throws(TextError) -> [TokenSpan] {
        let spans = try text.withBytes { (bytes) throws(TextError) in
            try scratch.withScratch { (scratch) throws(TextError) in
                var output = SpanOutput()
                var splitter = PieceSplitter<TracedText>()
                try splitter.append(bytes, self, cache: &scratch.cache, to: &output)
                var spans = output.spans
                parts.trimming?.apply(to: &spans, in: bytes) { index in
                    output.spellings[index] ?? vocabulary.token(of: output.spans[index].id)
                }
                return spans
            }
        }
        if spans.contains(where: { $0.id == TokenModel.noToken }) { throw missingUnknownToken }
        return spans
    }

    package func unknownPiece() throws(TextError) -> Int32 {
        guard let unknown = parts.model.unknown, unknown >= 0 else { throw missingUnknownToken }
        return unknown
    }

    private var missingUnknownToken: TextError {
        let name = special.names[.unknown].map { " \($0)" } ?? ""
        return TextError(
            .missingSpecialToken,
            "a word is not in the vocabulary, and neither is the unknown token\(name) that would stand for it; "
                + "add it, or name another one as unk_token in tokenizer_config.json")
    }

    /// The normalised words of a text, as they are before the model splits them; added tokens get no notice.
    ///
    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on the text.
    package func words(of text: String) throws(TextError) -> [String] {
        try text.withBytes { (bytes) throws(TextError) in
            try SplitText(bytes, parts.normalization, parts.splitting).spelledWords
        }
    }
}

/// How tokens show where words start.
enum WordMark: Equatable {
    /// A prefix of tokens that go on with a word.
    case continuing(String)
    /// A prefix of tokens that start a word.
    case start(String)

    func continuesWord(_ token: String) -> Bool {
        switch self {
        case .continuing(let prefix): token.utf8.starts(with: prefix.utf8)
        case .start(let prefix): !token.utf8.starts(with: prefix.utf8)
        }
    }
}

extension PipelineTokenizer.Parts {
    /// `nil` for tokens that do not show it.
    var wordMark: WordMark? {
        switch model {
        case .wordPiece(let model): return .continuing(model.vocabulary.continuingPrefix)
        case .bytePair(let model) where !model.settings.continuingPrefix.isEmpty:
            return .continuing(model.settings.continuingPrefix)
        case .bytePair, .unigram, .wordLevel: break
        }
        for step in splitting.steps.reversed() {
            switch step {
            case .byteLevel: return .start("\u{120}")
            case .metaspace(let metaspace): return .start(String(metaspace.replacement))
            case .bert, .wordsAndSymbols, .scalars, .pattern, .fixedLength: continue
            }
        }
        return nil
    }
}

extension String {
    /// Calls `body` with the text's UTF-8; unlike `withUTF8`, with the kind of error that it throws.
    fileprivate func withBytes<Result, Failure>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var text = self
        let result: Swift.Result<Result, Failure> = text.withUTF8 { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
