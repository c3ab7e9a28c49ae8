extension WordSplitting {
    /// The `pre_tokenizer` of a `tokenizer.json`.
    init(_ part: DocumentPart?) throws(TextError) {
        steps = []
        for step in try part?.steps(list: "pretokenizers") ?? [] { steps.append(try Step(step)) }
    }
}

extension WordSplitting.Step {
    fileprivate init(_ part: DocumentPart) throws(TextError) {
        switch try part.kind {
        case "BertPreTokenizer": self = .bert
        case "Whitespace": self = .wordsAndSymbols
        case "WhitespaceSplit": self = .scalars(.whitespace)
        case "Punctuation":
            let behavior = try part.choice("behavior", SplitBehavior.self) ?? .isolated
            self = .scalars(ScalarSplitter(delimiters: .punctuation, behavior: behavior))
        case "Digits":
            let isIndividual = try part.bool("individual_digits") ?? false
            self = .scalars(
                ScalarSplitter(delimiters: .numbers, behavior: isIndividual ? .isolated : .contiguous))
        case "CharDelimiterSplit":
            let delimiter = try part.need("delimiter", part.scalar("delimiter"))
            self = .scalars(ScalarSplitter(delimiters: .scalar(delimiter), behavior: .removed))
        case "Split":
            self = .pattern(
                PatternSplitter(
                    pattern: try part.pattern(),
                    behavior: try part.need("behavior", part.choice("behavior", SplitBehavior.self)),
                    isInverted: try part.bool("invert") ?? false))
        case "Metaspace": self = .metaspace(try MetaspaceSplitter(part))
        case "ByteLevel":
            self = .byteLevel(
                ByteLevelSplitter(
                    addsPrefixSpace: try part.bool("add_prefix_space") ?? true,
                    splits: try part.bool("use_regex") ?? true))
        case "FixedLength":
            let length = try part.count("length") ?? 5
            guard length > 0 else { throw part.refusal("has the 'length' 0; expected at least 1") }
            self = .fixedLength(FixedLengthSplitter(length: length))
        default:
            throw try part.unknownKind(
                "BertPreTokenizer, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Digits, Split, "
                    + "CharDelimiterSplit, FixedLength or a Sequence")
        }
    }
}

extension MetaspaceSplitter {
    /// A pre-tokeniser or a decoder; files of old versions have `add_prefix_space` only.
    init(_ part: DocumentPart) throws(TextError) {
        let stated = try part.choice("prepend_scheme", Prepending.self)
        let addsPrefix = try part.bool("add_prefix_space")
        if addsPrefix == false, let stated, stated != .never {
            throw part.refusal("has 'add_prefix_space' false, but the 'prepend_scheme' \(stated.rawValue)")
        }
        replacement = try part.scalar("replacement") ?? "\u{2581}"
        prepending = addsPrefix == false ? .never : stated ?? .always
        splits = try part.bool("split") ?? true
    }
}
