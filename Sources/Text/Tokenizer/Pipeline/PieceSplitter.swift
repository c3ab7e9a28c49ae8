/// Takes one text after another through the steps of a tokeniser.
struct PieceSplitter<Text: PipelineText> {
    private var split = SplitText<Text>()
    private var spare = Text()
    private var whole = Text()

    /// Appends the tokens of a text.
    ///
    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on the text.
    mutating func append<Output: PieceOutput>(
        _ bytes: UnsafeBufferPointer<UInt8>, _ tokenizer: PipelineTokenizer, cache: inout PieceCache,
        to output: inout Output
    ) throws(TextError) {
        for piece in tokenizer.rawMatcher.pieces(of: bytes) {
            switch piece {
            case .token(let id, let range):
                output.append(added: id, spelled: range, of: bytes, at: range)
            case .text(let range):
                split.text.load(UnsafeBufferPointer(rebasing: bytes[range]), at: range.lowerBound)
                try tokenizer.parts.normalization.apply(to: &split.text, spare: &spare)
                try appendNormalized(tokenizer, cache: &cache, to: &output)
            }
        }
    }

    private mutating func appendNormalized<Output: PieceOutput>(
        _ tokenizer: PipelineTokenizer, cache: inout PieceCache, to output: inout Output
    ) throws(TextError) {
        guard !tokenizer.normalizedMatcher.isEmpty else {
            return try appendWords(tokenizer, cache: &cache, to: &output)
        }
        let pieces = split.text.bytes.withUnsafeBufferPointer { tokenizer.normalizedMatcher.pieces(of: $0) }
        swap(&split.text, &whole)
        for piece in pieces {
            switch piece {
            case .token(let id, let range):
                whole.bytes.withUnsafeBufferPointer { bytes in
                    output.append(added: id, spelled: range, of: bytes, at: whole.origin(of: range))
                }
            case .text(let range):
                split.text.removeAll()
                split.text.append(range, of: whole)
                try appendWords(tokenizer, cache: &cache, to: &output)
            }
        }
    }

    private mutating func appendWords<Output: PieceOutput>(
        _ tokenizer: PipelineTokenizer, cache: inout PieceCache, to output: inout Output
    ) throws(TextError) {
        try split.splitAll(by: tokenizer.parts.splitting)
        let first = output.count
        split.text.bytes.withUnsafeBufferPointer { bytes in
            tokenizer.parts.model.appendPieces(of: split.words, in: bytes, cache: &cache, to: &output)
        }
        output.relocate(from: first, in: split.text, tokenizer.parts.model)
    }
}

extension SplitText {
    /// Splits the whole text.
    mutating func splitAll(by splitting: WordSplitting) throws(TextError) {
        words.removeAll(keepingCapacity: true)
        if !text.bytes.isEmpty { words.append(0..<text.bytes.count) }
        try splitting.apply(to: &self)
    }
}

extension SplitText<UntracedText> {
    /// A text that is normalised and split.
    init(
        _ text: UnsafeBufferPointer<UInt8>, _ normalization: Normalization, _ splitting: WordSplitting
    ) throws(TextError) {
        self.init()
        var spare = UntracedText()
        self.text.load(text, at: 0)
        try normalization.apply(to: &self.text, spare: &spare)
        try splitAll(by: splitting)
    }

    var spelledWords: [String] { words.map { String(utf8: text.bytes[$0]) } }
}
