extension TokenizerFamily {
    /// `BertTokenizer`, and classes that equal it.
    static let bert = TokenizerFamily(
        names: [
            "BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "DPRContextEncoderTokenizer",
            "DPRQuestionEncoderTokenizer", "ElectraTokenizer", "LayoutLMTokenizer", "LxmertTokenizer",
            "MobileBertTokenizer", "RealmTokenizer", "RetriBertTokenizer", "SqueezeBertTokenizer",
        ],
        namesWithoutTypes: ["DistilBertTokenizer", "RetriBertTokenizer"],
        modelTypes: ["bert", "convbert", "distilbert", "electra", "layoutlm", "nomic_bert", "squeezebert"],
        kind: .wordPiece,
        vocabulary: [.vocabulary],
        specialTokens: .bert,
        adjust: { model, names in model.becomeBert(unknown: names.text("unk_token")) },
        pipeline: { (context) throws(TextError) in
            FamilyPipeline(
                normalization: Normalization(steps: [.bert(try BertNormalizer(context.settings))]),
                splitting: .bert,
                processing: PostProcessing(
                    template: .bert(cls: try context.id("cls_token"), sep: try context.id("sep_token"))),
                decoding: .wordPiece)
        })

    /// `MPNetTokenizer`: BERT's words with RoBERTa's special tokens.
    static let mpnet = TokenizerFamily(
        names: ["MPNetTokenizer"], namesWithoutTypes: ["MPNetTokenizer"],
        modelTypes: ["mpnet"],
        kind: .wordPiece,
        vocabulary: [.vocabulary],
        specialTokens: [
            SpecialDefault("bos_token", "<s>"), SpecialDefault("eos_token", "</s>"),
            SpecialDefault("unk_token", "[UNK]"), SpecialDefault("sep_token", "</s>"),
            SpecialDefault("pad_token", "<pad>"), SpecialDefault("cls_token", "<s>"),
            SpecialDefault("mask_token", "<mask>", stripsLeft: true),
        ],
        adjust: { model, names in model.becomeBert(unknown: names.text("unk_token")) },
        pipeline: { (context) throws(TextError) in
            FamilyPipeline(
                normalization: Normalization(steps: [.bert(try BertNormalizer(context.settings))]),
                splitting: .bert,
                processing: PostProcessing(
                    template: .roberta(cls: try context.id("cls_token"), sep: try context.id("sep_token")),
                    trimming: OffsetTrimming(addsPrefixSpace: true)),
                decoding: .wordPiece)
        })
}

extension ModelDescription {
    /// The settings of a new WordPiece model of HF.
    fileprivate mutating func becomeBert(unknown: String?) {
        continuingPrefix = "##"
        maxWordScalars = 100
        self.unknown = unknown
    }
}

extension Decoding {
    static let wordPiece = Decoding(steps: [.wordPiece(prefix: "##", cleansUp: true)])
}

extension BertNormalizer {
    /// What `tokenizer_config.json` says, or HF's defaults.
    fileprivate init(_ settings: TokenizerSettings) throws(TextError) {
        self.init(
            cleanText: true, tokenizeChineseChars: try settings.flag("tokenize_chinese_chars") ?? true,
            lowercase: try settings.flag("do_lower_case") ?? true,
            stripAccents: try settings.flag("strip_accents"))
    }
}
