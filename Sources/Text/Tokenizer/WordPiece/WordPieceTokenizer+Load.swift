import Support

extension WordPieceTokenizer {
    /// The tokeniser that the files of a directory describe.
    init(_ source: TokenizerSource) throws {
        let (files, settings) = (source.files, source.settings)
        var parts =
            if let document = source.document, let file = files[.document]?.path {
                try Parts(
                    TokenizerDocument(document, source.convention, file: file), source.convention, settings,
                    file: file)
            } else if let vocabulary = files[.vocabulary] {
                try Parts(vocabulary: vocabulary, settings)
            } else {
                throw TokenizerFiles.missing(at: files.path)
            }
        if !source.sendsTypes { parts.template = parts.template.withoutTypes }
        parts.modelMaxLength = settings.modelMaxLength
        parts.truncationSide = settings.truncationSide ?? parts.truncationSide
        parts.splitsSpecialTokens = settings.splitsSpecialTokens
        parts.notes += settings.notes
        parts.files = files
        parts.className = source.className
        self.init(parts)
    }
}

extension WordPieceTokenizer.Parts {
    /// A vocabulary with one token per line; of a token that stands in several lines the last one counts, as in HF.
    fileprivate init(vocabulary source: SourceFile, _ settings: TokenizerSettings) throws(TextError) {
        let pieces = source.lines.enumerated().map { line, bytes in
            (token: String(utf8: bytes).trimmingEnd, id: Int32(line))
        }
        let vocabulary = try Vocabulary(pieces: pieces, file: source.path)
        let tokens = LoadedTokens(vocabulary, [], .bert, settings, file: source.path)
        self.init(
            vocabulary: vocabulary.adding(tokens.added.tokens), special: tokens.special,
            normalization: Normalization(steps: [.bert(TextNormalizer(settings))]),
            template: .bert(
                cls: try tokens.special.id(.classification), sep: try tokens.special.id(.separator)))
        unknown = tokens.special.names[.unknown].flatMap { vocabulary.pieceID(of: $0.text) }
        addedTokens = tokens.added.tokens
        notes = tokens.added.notes
    }

    /// Of a `tokenizer.json`, HF's `BertTokenizer` takes the vocabulary and the added tokens only; the other parts are
    /// its own, with the settings of `tokenizer_config.json`.
    fileprivate init(
        _ document: TokenizerDocument, _ convention: TokenizerClass, _ settings: TokenizerSettings,
        file: String
    ) throws(TextError) {
        let tokens = LoadedTokens(document.vocabulary, document.addedTokens, convention, settings, file: file)
        self.init(
            vocabulary: document.vocabulary.adding(tokens.added.tokens), special: tokens.special,
            normalization: document.normalization ?? Normalization(steps: []), template: document.template)
        splitting = document.splitting
        maxWordScalars = document.maxWordScalars
        unknown = document.vocabulary.pieceID(of: document.unknownToken)
        addedTokens = tokens.added.tokens
        truncationSide = document.truncationSide ?? .right
        notes = tokens.added.notes
        if convention == .bert {
            try becomeBert(settings, document, file: file)
        } else if template == .plain {
            notes.append("\(file): has no post_processor, so that no special tokens stand around the texts")
        }
    }

    /// Puts the parts of HF's `BertTokenizer` in the place of the file's, with a note where they differ.
    private mutating func becomeBert(
        _ settings: TokenizerSettings, _ document: TokenizerDocument, file: String
    ) throws(TextError) {
        let own = self
        normalization = Normalization(steps: [.bert(TextNormalizer(settings))])
        splitting = .bert
        template = .bert(cls: try special.id(.classification), sep: try special.id(.separator))
        maxWordScalars = 100
        unknown = special.names[.unknown].flatMap { vocabulary.pieceID(of: $0.text) }
        let changes = [
            own.normalization.bert?.resolved == normalization.bert?.resolved ? nil : "normalizer",
            own.splitting == splitting ? nil : "pre_tokenizer",
            own.template == template ? nil : "post_processor",
            own.maxWordScalars == maxWordScalars && own.unknown == unknown && !document.hasOwnPrefix
                ? nil : "model's settings",
        ].compactMap(\.self)
        guard !changes.isEmpty else { return }
        notes.append(
            "\(file): its \(changes.joined(separator: ", ")) are not used but those of \(className), as in "
                + "Transformers 5; name PreTrainedTokenizerFast as tokenizer_class to use them")
    }
}

/// The added and special tokens of a tokeniser, from all its files.
private struct LoadedTokens {
    var added: AddedVocabulary
    let special: SpecialTokens

    /// - Parameter document: added tokens of the `tokenizer.json` with the ids that it states.
    init(
        _ vocabulary: Vocabulary, _ document: [(token: AddedToken, id: Int32)], _ convention: TokenizerClass,
        _ settings: TokenizerSettings, file: String
    ) {
        var defaults: [SpecialTokens.Role: String] = [:]
        for role in SpecialTokens.Role.allCases { defaults[role] = role.defaultName }
        let named = settings.specialTokens(defaults: defaults)
        let isSpecial = Set(named.map { TextKey($0.token.content) })
        var added = AddedVocabulary(vocabulary)
        for (token, id) in document { added.add(token, stated: (id, file)) }
        for (token, id, file) in settings.added {
            var token = token
            token.special = token.special || isSpecial.contains(TextKey(token.content))
            added.add(token, stated: (id, file))
        }
        let inFiles = added
        for (role, token) in named where convention == .bert || role.map(settings.states) ?? true {
            if !added.contains(token.content) { added.add(token) }
        }
        for token in settings.additional where !added.contains(token.content) { added.add(token) }

        var names: [SpecialTokens.Role: TextKey] = [:]
        var ids: [SpecialTokens.Role: Int32] = [:]
        for (role, token) in named {
            guard let role else { continue }
            names[role] = TextKey(token.content)
            // A token that no file names, and that is not in the vocabulary, has no row of the model.
            ids[role] = (settings.states(role) ? added : inFiles).id(of: token.content)
        }
        special = SpecialTokens(names: names, ids: ids, vocabularyCount: vocabulary.count, file: file)
        self.added = added
    }
}

extension TextNormalizer {
    /// What `tokenizer_config.json` says, or HF's defaults.
    fileprivate init(_ settings: TokenizerSettings) {
        self.init(
            cleanText: true, tokenizeChineseChars: settings.tokenizesChineseChars ?? true,
            lowercase: settings.lowercase ?? true, stripAccents: settings.stripsAccents)
    }

    /// With what lower-casing means for accents spelled out.
    fileprivate var resolved: TextNormalizer {
        var result = self
        result.stripAccents = stripAccents ?? lowercase
        return result
    }
}

extension String {
    /// Without the white space at the end, which HF drops from each line of a vocabulary.
    fileprivate var trimmingEnd: String {
        let last = unicodeScalars.lastIndex { !UnicodeClasses.isWhitespace($0) }
        return last.map { String(unicodeScalars[...$0]) } ?? ""
    }
}
