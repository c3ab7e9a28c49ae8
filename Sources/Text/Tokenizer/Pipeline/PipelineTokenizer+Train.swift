import Support

extension PipelineTokenizer {
    /// Trains a vocabulary on text files.
    ///
    /// - Parameters:
    ///   - kind: BERT's tokeniser or RoBERTa's.
    ///   - size: tokens at most; little text gives fewer.
    ///   - lowercase: lower-case the text and strip its accents; of no effect on RoBERTa's.
    /// - Throws: `FileError` for a file that cannot be read, `TextError` for files that are not text or have no words.
    package init(
        trainedOn texts: [String], kind: VocabularyTrainer.Kind = .wordPiece, size: Int,
        lowercase: Bool = true
    ) throws {
        var words = WordCounts(for: kind, lowercase: lowercase)
        for text in texts { try words.add(file: text) }
        let trained = try VocabularyTrainer(kind, size: size).train(words)
        switch kind {
        case .wordPiece: try self.init(Vocabulary(tokens: trained.tokens), lowercase: lowercase)
        case .bytePair: try self.init(TokenizerSource(TokenizerFiles(roberta: trained)))
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
        let added = VocabularyTrainer.robertaTokens.enumerated().map { id, token in
            JSONValue.object([
                ("id", .integer(id)), ("content", .string(token)), ("single_word", .bool(false)),
                ("lstrip", .bool(token == "<mask>")), ("rstrip", .bool(false)), ("normalized", .bool(false)),
                ("special", .bool(true)),
            ])
        }
        let byteLevel = JSONValue.object([
            ("type", .string("ByteLevel")), ("add_prefix_space", .bool(false)), ("trim_offsets", .bool(true)),
            ("use_regex", .bool(true)),
        ])
        let model = JSONValue.object([
            ("type", .string("BPE")), ("dropout", .null), ("unk_token", .null),
            ("continuing_subword_prefix", .string("")), ("end_of_word_suffix", .string("")),
            ("fuse_unk", .bool(false)), ("byte_fallback", .bool(false)), ("vocab", .object(ids)),
            ("merges", .array(trained.merges.map { .array([.string($0), .string($1)]) })),
        ])
        let document = JSONObject([
            ("version", .string("1.0")), ("truncation", .null), ("padding", .null),
            ("added_tokens", .array(added)),
            ("normalizer", .null), ("pre_tokenizer", byteLevel),
            (
                "post_processor",
                .object([
                    ("type", .string("RobertaProcessing")), ("sep", .array([.string("</s>"), .integer(2)])),
                    ("cls", .array([.string("<s>"), .integer(0)])), ("trim_offsets", .bool(true)),
                    ("add_prefix_space", .bool(false)),
                ])
            ),
            ("decoder", byteLevel), ("model", model),
        ])
        self.init(document: document, config: ["tokenizer_class": .string("RobertaTokenizer")])
    }
}
