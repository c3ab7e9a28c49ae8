extension TokenizerFamily {
    /// `RobertaTokenizer`.
    static let roberta = TokenizerFamily(
        names: ["RobertaTokenizer", "LongformerTokenizer"],
        namesWithoutTypes: ["RobertaTokenizer", "LongformerTokenizer"],
        modelTypes: ["roberta", "roberta-prelayernorm", "longformer", "data2vec-text", "ibert"],
        kind: .bytePair,
        vocabulary: [.identifiers, .merges],
        specialTokens: .roberta + [SpecialDefault("mask_token", "<mask>")],
        adjust: { model, _ in model.becomeByteLevel() },
        pipeline: { (context) throws(TextError) in
            let addsPrefixSpace = try context.settings.flag("add_prefix_space") ?? false
            let trims = try context.settings.flag("trim_offsets") ?? true
            return .byteLevel(
                addsPrefixSpace: addsPrefixSpace,
                PostProcessing(
                    template: .roberta(cls: try context.id("cls_token"), sep: try context.id("sep_token")),
                    trimming: trims ? OffsetTrimming(addsPrefixSpace: addsPrefixSpace) : nil))
        })

    /// `DebertaTokenizer`, of the first DeBERTa.
    static let deberta = TokenizerFamily(
        names: ["DebertaTokenizer"],
        modelTypes: ["deberta"],
        kind: .bytePair,
        vocabulary: [.identifiers, .merges],
        specialTokens: .deberta,
        adjust: { model, _ in model.becomeByteLevel() },
        pipeline: { (context) throws(TextError) in
            .byteLevel(
                addsPrefixSpace: try context.settings.flag("add_prefix_space") ?? false,
                PostProcessing(
                    template: .doubleSeparator(
                        first: try context.id("cls_token"), last: try context.id("sep_token"))))
        })

    /// `GPT2Tokenizer`: no special tokens around texts unless the `tokenizer.json` has them.
    static let gpt2 = TokenizerFamily(
        names: ["GPT2Tokenizer"], namesWithoutTypes: ["GPT2Tokenizer"],
        modelTypes: ["gpt2"],
        kind: .bytePair,
        vocabulary: [.identifiers, .merges],
        specialTokens: [
            SpecialDefault("bos_token", "<|endoftext|>"), SpecialDefault("eos_token", "<|endoftext|>"),
            SpecialDefault("unk_token", "<|endoftext|>"),
        ],
        adjust: { model, _ in model.becomeByteLevel() },
        pipeline: { (context) throws(TextError) in
            .byteLevel(
                addsPrefixSpace: try context.settings.flag("add_prefix_space") ?? false,
                context.processing ?? PostProcessing(template: .plain))
        })
}

extension ModelDescription {
    /// The settings of these classes: each byte is a token, so that nothing is unknown.
    fileprivate mutating func becomeByteLevel() {
        unknown = nil
        unknownID = nil
        settings = BytePairModel.Settings()
    }
}

extension FamilyPipeline {
    fileprivate static func byteLevel(
        addsPrefixSpace: Bool, _ processing: PostProcessing
    ) -> FamilyPipeline {
        FamilyPipeline(
            normalization: .none,
            splitting: WordSplitting(steps: [
                .byteLevel(ByteLevelSplitter(addsPrefixSpace: addsPrefixSpace, splits: true))
            ]),
            processing: processing, decoding: Decoding(steps: [.byteLevel]))
    }
}
