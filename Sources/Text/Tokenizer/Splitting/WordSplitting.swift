/// How a normalised text becomes words: the `pre_tokenizer` of a `tokenizer.json`, with sequences taken apart. Each step
/// splits or rewrites the words of the one before; without steps the text is one word.
struct WordSplitting: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case bert
        case wordsAndSymbols
        case scalars(ScalarSplitter)
        case pattern(PatternSplitter)
        case fixedLength(FixedLengthSplitter)
        case metaspace(MetaspaceSplitter)
        case byteLevel(ByteLevelSplitter)
    }

    var steps: [Step]

    static let none = WordSplitting(steps: [])
    static let bert = WordSplitting(steps: [.bert])
    /// GPT-2's and RoBERTa's words.
    static let byteLevel = WordSplitting(steps: [
        .byteLevel(ByteLevelSplitter(addsPrefixSpace: false, splits: true))
    ])

    /// Whether a step must know where words stand in the text that was given.
    var needsOrigins: Bool {
        steps.contains { if case .metaspace(let step) = $0 { step.prepending == .first } else { false } }
    }

    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on the text.
    func apply<Text: PipelineText>(to split: inout SplitText<Text>) throws(TextError) {
        for step in steps {
            switch step {
            case .bert: split.splitWords(BertWordSplitter.split)
            case .wordsAndSymbols: WordsAndSymbolsSplitter.apply(to: &split)
            case .scalars(let splitter): splitter.apply(to: &split)
            case .pattern(let splitter): try splitter.apply(to: &split)
            case .fixedLength(let splitter): splitter.apply(to: &split)
            case .metaspace(let splitter): splitter.apply(to: &split)
            case .byteLevel(let splitter): splitter.apply(to: &split)
            }
        }
    }
}
