import Support

extension TokenizerFamily {
    /// `XLMRobertaTokenizer`: SentencePiece with the numbers of fairseq, one more than the model's.
    static let xlmRoberta = TokenizerFamily(
        names: ["XLMRobertaTokenizer"], namesWithoutTypes: ["XLMRobertaTokenizer"],
        modelTypes: ["xlm-roberta", "xlm-roberta-xl", "gte", "jina_embeddings_v3"],
        kind: .unigram,
        vocabulary: [.sentencePieceBPE],
        specialTokens: .roberta + [SpecialDefault("mask_token", "<mask>")],
        renumber: { model, names in
            let first = ["bos_token", "pad_token", "eos_token", "unk_token"] as [TextKey]
            model.replaceTokens(
                first: 3, by: first.compactMap { key in names.text(key).map { ($0, 0) } },
                last: names.text("mask_token"))
        },
        adjust: { model, _ in model.unknownID = 3 },
        pipeline: { (context) throws(TextError) in try .fairseq(context) })

    /// `CamembertTokenizer`: SentencePiece with the numbers of fairseq, four more than the model's.
    static let camembert = TokenizerFamily(
        names: ["CamembertTokenizer"], namesWithoutTypes: ["CamembertTokenizer"],
        modelTypes: ["camembert"],
        kind: .unigram,
        vocabulary: [.sentencePieceBPE],
        specialTokens: .roberta + [SpecialDefault("mask_token", "<mask>", stripsLeft: true)],
        additionalTokens: ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"].map { AddedToken(content: $0) },
        renumber: { model, names in
            let tokens: [(String?, Double)] = [
                ("<s>NOTUSED", 0), (names.text("pad_token"), 0), ("</s>NOTUSED", 0),
                (names.text("unk_token"), 0), ("<unk>NOTUSED", -100),
            ]
            model.replaceTokens(
                first: 1, by: tokens.compactMap { token, score in token.map { ($0, score) } },
                last: names.text("mask_token"))
        },
        adjust: { model, names in
            let unknown = names.text("unk_token")
            model.unknownID =
                model.pieces.first { unknown?.hasSameCodePoints(as: $0.token) ?? false }?.id ?? 0
        },
        pipeline: { (context) throws(TextError) in try .fairseq(context) })

    /// `AlbertTokenizer`.
    static let albert = TokenizerFamily(
        names: ["AlbertTokenizer"], namesWithoutTypes: ["AlbertTokenizer"],
        modelTypes: ["albert"],
        kind: .unigram,
        vocabulary: [.sentencePiece],
        specialTokens: [
            SpecialDefault("bos_token", "[CLS]"), SpecialDefault("eos_token", "[SEP]"),
            SpecialDefault("unk_token", "<unk>"), SpecialDefault("sep_token", "[SEP]"),
            SpecialDefault("pad_token", "<pad>"), SpecialDefault("cls_token", "[CLS]"),
            SpecialDefault("mask_token", "[MASK]"),
        ],
        adjust: { model, _ in model.unknownID = 1 },
        pipeline: { (context) throws(TextError) in
            let quote = Array("\"".utf8)
            var steps: [Normalization.Step] = ["``", "''"].map {
                .replace(ReplaceNormalizer(pattern: TextPattern(string: $0), content: quote))
            }
            if try !(context.settings.flag("keep_accents") ?? false) {
                steps += [.form(.compatibilityDecomposed), .stripAccents]
            }
            if try context.settings.flag("do_lower_case") ?? true { steps.append(.lowercase) }
            var pipeline = FamilyPipeline.sentencePiece(
                normalization: Normalization(steps: steps + context.mapNormalization.steps),
                addsPrefixSpace: try context.settings.flag("add_prefix_space") ?? true, otherwise: .never,
                .bert(cls: try context.id("cls_token"), sep: try context.id("sep_token")))
            // This class keeps what the file has.
            if let processing = context.processing { pipeline.processing = processing }
            return pipeline
        })

    /// `DebertaV2Tokenizer`, of DeBERTa v2 and v3.
    static let debertaV2 = TokenizerFamily(
        names: ["DebertaV2Tokenizer"],
        modelTypes: ["deberta-v2"],
        kind: .unigram,
        vocabulary: [.sentencePieceShort],
        specialTokens: .deberta,
        adjust: { model, names in
            let unknown = names.text("unk_token")
            let id = model.pieces.first { piece in
                model.scores[Int(piece.id)] == 0 && unknown?.hasSameCodePoints(as: piece.token) ?? false
            }?.id
            model.unknownID = id ?? (model.isFromSentencePiece ? model.unknownID : nil) ?? 1
        },
        pipeline: { (context) throws(TextError) in
            var steps: [Normalization.Step] =
                try context.settings.flag("do_lower_case") ?? false ? [.lowercase] : []
            steps += [
                .replace(DebertaV2Spaces.replacement), .form(.composed),
                .strip(StripNormalizer(left: false, right: true)),
            ]
            var pipeline = FamilyPipeline.sentencePiece(
                normalization: Normalization(steps: steps),
                addsPrefixSpace: try context.settings.flag("add_prefix_space") ?? true, otherwise: .first,
                .bert(cls: try context.id("cls_token"), sep: try context.id("sep_token")))
            pipeline.splitting.steps.removeFirst()
            if try context.settings.flag("split_by_punct") ?? false {
                let splitter = ScalarSplitter(delimiters: .punctuation, behavior: .isolated)
                pipeline.splitting.steps.insert(.scalars(splitter), at: 0)
            }
            return pipeline
        })
}

/// Several white-space characters, or one that ends a line, are one blank.
private enum DebertaV2Spaces {
    static let replacement = ReplaceNormalizer(expression: #"\s{2,}|[\n\r\t]"#, content: " ")
}

extension FamilyContext {
    /// SentencePiece's table, if there is one.
    fileprivate var mapNormalization: Normalization {
        Normalization(steps: charactersMap.map { [.precompiled($0)] } ?? [])
    }
}

extension FamilyPipeline {
    /// What the classes with fairseq's numbers do.
    fileprivate static func fairseq(_ context: FamilyContext) throws(TextError) -> FamilyPipeline {
        sentencePiece(
            normalization: context.mapNormalization,
            addsPrefixSpace: try context.settings.flag("add_prefix_space") ?? true, otherwise: .never,
            .doubleSeparator(first: try context.id("bos_token"), last: try context.id("eos_token")))
    }

    /// Words at white space, and before each the mark of SentencePiece.
    fileprivate static func sentencePiece(
        normalization: Normalization, addsPrefixSpace: Bool, otherwise: MetaspaceSplitter.Prepending,
        _ template: SequenceTemplate
    ) -> FamilyPipeline {
        let metaspace = MetaspaceSplitter(
            replacement: "\u{2581}", prepending: addsPrefixSpace ? .always : otherwise, splits: true)
        return FamilyPipeline(
            normalization: normalization,
            splitting: WordSplitting(steps: [.scalars(.whitespace), .metaspace(metaspace)]),
            processing: PostProcessing(template: template), decoding: Decoding(steps: [.metaspace(metaspace)])
        )
    }
}

extension ModelDescription {
    /// Puts other tokens in the place of the first ones of a SentencePiece model, and one after the last.
    fileprivate mutating func replaceTokens(
        first count: Int, by tokens: [(token: String, score: Double)], last: String?
    ) {
        let kept = zip(pieces, scores).dropFirst(count).map { ($0.token, $1) }
        let all = tokens.map { ($0.token, $0.score) } + kept + (last.map { [($0, 0)] } ?? [])
        pieces = all.enumerated().map { ($1.0, Int32($0)) }
        scores = all.map(\.1)
    }
}
