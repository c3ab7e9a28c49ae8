import Support

/// A class of tokenisers in HF, which has its own pipeline: of a directory it takes the vocabulary, the added tokens and
/// its settings.
struct TokenizerFamily: Sendable {
    /// Classes of HF that do the same, without `Fast` at the end. The first is the one that is saved.
    let names: [String]
    /// Those of them that give the model no token types; all for families whose models have none.
    var namesWithoutTypes: [String] = []
    /// Models (`model_type`) that have this class when no file names one.
    let modelTypes: [String]
    let kind: TokenModel.Kind
    /// The files that it is read from when there is no `tokenizer.json`.
    let vocabulary: [TokenizerFiles.Name]
    let specialTokens: [SpecialDefault]
    /// Special tokens without a role.
    var additionalTokens: [AddedToken] = []
    /// Changes the tokens of a SentencePiece model, which some families number in their own way.
    var renumber: @Sendable (inout ModelDescription, NamedTokens) -> Void = { _, _ in }
    /// Settings that the class has in place of those of the files.
    var adjust: @Sendable (inout ModelDescription, NamedTokens) -> Void = { _, _ in }
    /// What a text goes through.
    let pipeline: @Sendable (FamilyContext) throws(TextError) -> FamilyPipeline

    static let all: [TokenizerFamily] = [
        .bert, .roberta, .xlmRoberta, .camembert, .albert, .mpnet, .deberta, .debertaV2, .gpt2,
    ]
}

extension [SpecialDefault] {
    /// BERT's.
    static let bert = [
        SpecialDefault("unk_token", "[UNK]"), SpecialDefault("sep_token", "[SEP]"),
        SpecialDefault("pad_token", "[PAD]"), SpecialDefault("cls_token", "[CLS]"),
        SpecialDefault("mask_token", "[MASK]"),
    ]

    /// Those of all DeBERTas.
    static let deberta = [SpecialDefault("bos_token", "[CLS]"), SpecialDefault("eos_token", "[SEP]")] + bert

    /// RoBERTa's but for the mask, which some classes let take the blank before it.
    static let roberta = [
        SpecialDefault("bos_token", "<s>"), SpecialDefault("eos_token", "</s>"),
        SpecialDefault("unk_token", "<unk>"), SpecialDefault("sep_token", "</s>"),
        SpecialDefault("pad_token", "<pad>"), SpecialDefault("cls_token", "<s>"),
    ]
}

/// The special tokens of a directory by setting, such as `cls_token`.
struct NamedTokens {
    let tokens: [(key: TextKey, token: AddedToken)]

    /// The spelling of a token.
    func text(_ key: TextKey) -> String? { tokens.last { $0.key == key }?.token.content }
}

/// What a family's pipeline is made from.
struct FamilyContext {
    let settings: TokenizerSettings
    /// The table of SentencePiece's normaliser, from the model or the `tokenizer.json`.
    let charactersMap: CharactersMap?
    /// The post-processor of the `tokenizer.json`, if it has one.
    let processing: PostProcessing?
    let tokens: LoadedTokens

    /// The id of a special token by its setting, such as `cls_token`.
    ///
    /// - Throws: `.missingSpecialToken` when there is no such token.
    func id(_ key: TextKey) throws(TextError) -> Int32 { try tokens.id(key) }
}

/// What a family does with a text.
struct FamilyPipeline {
    var normalization: Normalization
    var splitting: WordSplitting
    var processing: PostProcessing
    var decoding: Decoding
}
