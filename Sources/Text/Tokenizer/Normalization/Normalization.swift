/// What a text goes through before it is split into words: the `normalizer` of a `tokenizer.json`, with sequences taken
/// apart.
struct Normalization: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case bert(BertNormalizer)
        case form(NormalForm)
        case lowercase
        case stripAccents
        case strip(StripNormalizer)
        /// Put something before a text that is not empty.
        case prepend([UInt8])
        case replace(ReplaceNormalizer)
        case precompiled(CharactersMap)
        case nmt
        case byteLevel
    }

    var steps: [Step]

    static let none = Normalization(steps: [])
    /// SentencePiece's `nmt_nfkc`, as HF makes it of its own parts: NFKC, and white space that is one blank.
    static let sentencePiece = Normalization(steps: [
        .nmt, .form(.compatibilityComposed), .replace(.severalBlanks),
    ])

    /// BERT's normaliser, when it is all there is.
    var bert: BertNormalizer? {
        guard steps.count == 1, case .bert(let normalizer) = steps[0] else { return nil }
        return normalizer
    }

    /// Takes `text` through all steps; `spare` is scratch space.
    ///
    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on the text.
    func apply<Text: PipelineText>(to text: inout Text, spare: inout Text) throws(TextError) {
        for step in steps {
            spare.removeAll()
            try step.apply(to: text, into: &spare)
            swap(&text, &spare)
        }
    }

    /// The normalised form of some bytes of UTF-8.
    ///
    /// - Throws: what `apply` throws.
    func normalized(_ bytes: UnsafeBufferPointer<UInt8>) throws(TextError) -> [UInt8] {
        var (text, spare) = (UntracedText(), UntracedText())
        text.load(bytes, at: 0)
        try apply(to: &text, spare: &spare)
        return text.bytes
    }
}

extension Normalization.Step {
    fileprivate func apply<Text: PipelineText>(to text: Text, into output: inout Text) throws(TextError) {
        switch self {
        case .bert(let normalizer): normalizer.apply(to: text, into: &output)
        case .form(let form): form.apply(to: text, into: &output)
        case .lowercase: LowercaseNormalizer.apply(to: text, into: &output)
        case .stripAccents: StripAccentsNormalizer.apply(to: text, into: &output)
        case .strip(let normalizer): normalizer.apply(to: text, into: &output)
        case .prepend(let prefix): prepend(prefix, to: text, into: &output)
        case .replace(let normalizer): try normalizer.apply(to: text, into: &output)
        case .precompiled(let map): map.apply(to: text, into: &output)
        case .nmt: NmtNormalizer.apply(to: text, into: &output)
        case .byteLevel: ByteAlphabet.write(0..<text.bytes.count, of: text, into: &output)
        }
    }

    private func prepend<Text: PipelineText>(_ prefix: [UInt8], to text: Text, into output: inout Text) {
        if !text.bytes.isEmpty { output.append(contentsOf: prefix, from: 0, of: text) }
        output.append(0..<text.bytes.count, of: text)
    }
}
