import Support

extension PipelineTokenizer {
    /// Trains a vocabulary on text files.
    ///
    /// - Parameters:
    ///   - kind: BERT's tokeniser, RoBERTa's or SentencePiece's.
    ///   - size: tokens at most; little text gives fewer.
    ///   - lowercase: lower-case the text and strip its accents; of effect on BERT's only.
    ///   - runner: shares the work; the result does not depend on it.
    /// - Throws: `FileError` for a file that cannot be read, `TextError` for files that are not text or have no words.
    package init(
        trainedOn texts: [String], kind: VocabularyTrainer.Kind = .wordPiece, size: Int,
        lowercase: Bool = true, runner: any TaskRunner = CallingThread()
    ) throws {
        var words = WordCounts(for: kind, lowercase: lowercase)
        for text in texts { try words.add(file: text) }
        guard !words.counts.isEmpty else {
            throw TextError(.emptyDataset, file: texts.first, "holds no words; expected lines of text")
        }
        let trained = try VocabularyTrainer(kind, size: size, runner: runner).train(words)
        switch kind {
        case .wordPiece: try self.init(Vocabulary(tokens: trained.tokens), lowercase: lowercase)
        case .bytePair: try self.init(TokenizerSource(TokenizerFiles(roberta: trained)))
        case .unigram: try self.init(TokenizerSource(TokenizerFiles(sentencePiece: trained)))
        }
    }

    private init(_ vocabulary: Vocabulary, lowercase: Bool) throws(TextError) {
        let special = SpecialTokens(in: vocabulary)
        var parts = Parts(
            vocabulary: vocabulary, special: special,
            model: .wordPiece(WordPieceModel(vocabulary: vocabulary, unknown: special[.unknown])),
            normalization: Normalization(steps: [.bert(BertNormalizer(lowercase: lowercase))]),
            template: .bert(cls: try special.id(.classification), sep: try special.id(.separator)))
        parts.addedTokens = SpecialTokens.Role.allCases.compactMap { role in
            special[role].map { NumberedToken(token: AddedToken(content: role.defaultName), id: $0) }
        }
        try self.init(parts)
    }
}

extension TokenizerFiles {
    /// A `tokenizer.json` of RoBERTa's parts.
    fileprivate init(roberta trained: VocabularyTrainer.Result) {
        let ids = trained.tokens.enumerated().map { ($1, JSONValue.integer($0)) }
        let byteLevel = JSONValue.object([
            ("type", .string("ByteLevel")), ("add_prefix_space", .bool(false)), ("trim_offsets", .bool(true)),
            ("use_regex", .bool(true)),
        ])
        let processor = JSONValue.object([
            ("type", .string("RobertaProcessing")), ("sep", .array([.string("</s>"), .integer(2)])),
            ("cls", .array([.string("<s>"), .integer(0)])), ("trim_offsets", .bool(true)),
            ("add_prefix_space", .bool(false)),
        ])
        let model = JSONValue.object([
            ("type", .string("BPE")), ("dropout", .null), ("unk_token", .null),
            ("continuing_subword_prefix", .string("")), ("end_of_word_suffix", .string("")),
            ("fuse_unk", .bool(false)), ("byte_fallback", .bool(false)), ("vocab", .object(ids)),
            ("merges", .array(trained.merges.map { .array([.string($0), .string($1)]) })),
        ])
        self.init(
            normalizer: .null, splitter: byteLevel, processor: processor, decoder: byteLevel, model,
            config: ["tokenizer_class": .string("RobertaTokenizer")])
    }

    /// A `tokenizer.json` of the parts of HF's `SentencePieceUnigramTokenizer`, with the special tokens of XLM-RoBERTa.
    fileprivate init(sentencePiece trained: VocabularyTrainer.Result) {
        let blanks = JSONValue.object([
            ("type", .string("Replace")), ("pattern", .object([("Regex", .string(" {2,}"))])),
            ("content", .string(" ")),
        ])
        let steps = [
            JSONValue.object([("type", .string("Nmt"))]), .object([("type", .string("NFKC"))]), blanks,
        ]
        let normalizer = JSONValue.object([("type", .string("Sequence")), ("normalizers", .array(steps))])
        let metaspace = JSONValue.object([
            ("type", .string("Metaspace")), ("replacement", .string("\u{2581}")),
            ("prepend_scheme", .string("always")), ("split", .bool(true)),
        ])
        let vocabulary = zip(trained.tokens, trained.scores).map { token, score in
            JSONValue.array([.string(token), .double(score)])
        }
        let model = JSONValue.object([
            ("type", .string("Unigram")), ("unk_id", .integer(3)), ("vocab", .array(vocabulary)),
            ("byte_fallback", .bool(false)),
        ])
        let special = [
            ("bos", "<s>"), ("eos", "</s>"), ("unk", "<unk>"), ("sep", "</s>"), ("pad", "<pad>"),
            ("cls", "<s>"),
            ("mask", "<mask>"),
        ]
        var config: JSONObject = ["tokenizer_class": .string("PreTrainedTokenizerFast")]
        for (role, token) in special { config[role + "_token"] = .string(token) }
        self.init(
            normalizer: normalizer, splitter: metaspace, processor: .template, decoder: metaspace, model,
            config: config)
    }

    /// A `tokenizer.json` with RoBERTa's special tokens.
    private init(
        normalizer: JSONValue, splitter: JSONValue, processor: JSONValue, decoder: JSONValue,
        _ model: JSONValue, config: JSONObject
    ) {
        let added = VocabularyTrainer.robertaTokens.enumerated().map { id, token in
            JSONValue.object([
                ("id", .integer(id)), ("content", .string(token)), ("single_word", .bool(false)),
                ("lstrip", .bool(token == "<mask>")), ("rstrip", .bool(false)), ("normalized", .bool(false)),
                ("special", .bool(true)),
            ])
        }
        let document = JSONObject([
            ("version", .string("1.0")), ("truncation", .null), ("padding", .null),
            ("added_tokens", .array(added)), ("normalizer", normalizer), ("pre_tokenizer", splitter),
            ("post_processor", processor), ("decoder", decoder), ("model", model),
        ])
        self.init(document: document, config: config)
    }
}

extension JSONValue {
    /// A post-processor for `<s> A </s>` and `<s> A </s> </s> B </s>`.
    fileprivate static var template: JSONValue {
        func part(_ kind: String, _ id: String) -> JSONValue {
            .object([(kind, .object([("id", .string(id)), ("type_id", .integer(0))]))])
        }
        func special(_ token: String, _ id: Int) -> JSONValue {
            .object([
                ("id", .string(token)), ("ids", .array([.integer(id)])), ("tokens", .array([.string(token)])),
            ])
        }
        let last = part("SpecialToken", "</s>")
        let single = [part("SpecialToken", "<s>"), part("Sequence", "A"), last]
        let pair = single + [last, part("Sequence", "B"), last]
        return .object([
            ("type", .string("TemplateProcessing")), ("single", .array(single)), ("pair", .array(pair)),
            ("special_tokens", .object([("<s>", special("<s>", 0)), ("</s>", special("</s>", 2))])),
        ])
    }
}
