import Support

extension PipelineTokenizer {
    /// The tokeniser that the files of a directory describe.
    init(_ source: TokenizerSource) throws {
        var parts = try Parts(source)
        if !source.sendsTypes { parts.template = parts.template.withoutTypes }
        let settings = source.settings
        parts.modelMaxLength = settings.modelMaxLength
        parts.truncationSide = settings.truncationSide ?? parts.truncationSide
        parts.splitsSpecialTokens = settings.splitsSpecialTokens
        parts.notes += settings.notes
        parts.files = source.files
        parts.className = source.className
        try self.init(parts)
    }
}

extension PipelineTokenizer.Parts {
    /// Of a `tokenizer.json`, a class of HF takes the vocabulary and the added tokens only; the other parts are its own,
    /// with the settings of `tokenizer_config.json`.
    fileprivate init(_ source: TokenizerSource) throws {
        let (settings, document) = (source.settings, source.document)
        let names = NamedTokens(
            tokens: settings.specialTokens(
                defaults: (source.convention.family ?? .bert).specialTokens))
        guard let family = source.convention.family else {
            guard let document else { throw TokenizerFiles.missing(at: source.files.path) }
            try self.init(document, names, settings)
            return
        }
        var model = try document?.model ?? ModelDescription(family, source.files)
        let file = document?.file ?? source.files[family.vocabulary[0]]?.path ?? source.files.path
        guard model.kind == family.kind else {
            throw TextError(
                .unsupportedTokenizer, file: file,
                "'model.type' is \(model.kind.rawValue), but \(source.className) is for \(family.kind.rawValue); name "
                    + "PreTrainedTokenizerFast as tokenizer_class to use the file as it is")
        }
        if model.isFromSentencePiece { family.renumber(&model, names) }
        family.adjust(&model, names)
        let splitter = try model.model(file: file)
        let tokens = LoadedTokens(
            splitter.vocabulary, model: model.addedTokens, document: document?.addedTokens ?? [], names,
            family,
            settings, file: file)
        let pipeline = try family.pipeline(
            FamilyContext(
                settings: settings,
                charactersMap: model.charactersMap ?? document?.normalization.charactersMap,
                processing: document.flatMap { $0.hasProcessing ? $0.processing : nil }, tokens: tokens))
        self.init(splitter, tokens, pipeline)
        truncationSide = document?.truncationSide ?? .right
        if let document { noteChanges(from: document, to: pipeline, className: source.className) }
    }

    /// What a `tokenizer.json` describes.
    private init(
        _ document: TokenizerDocument, _ names: NamedTokens, _ settings: TokenizerSettings
    ) throws(TextError) {
        let splitter = try document.model.model(file: document.file)
        let tokens = LoadedTokens(
            splitter.vocabulary, model: [], document: document.addedTokens, names, nil, settings,
            file: document.file)
        let decoding = document.decoding ?? (splitter.kind == .wordPiece ? .wordPiece : .none)
        self.init(
            splitter, tokens,
            FamilyPipeline(
                normalization: document.normalization, splitting: document.splitting,
                processing: document.processing, decoding: decoding))
        truncationSide = document.truncationSide ?? .right
        if template == .plain {
            notes.append(
                "\(document.file): has no post_processor, so that no special tokens stand around the texts")
        }
    }

    private init(_ model: TokenModel, _ tokens: LoadedTokens, _ pipeline: FamilyPipeline) {
        self.init(
            vocabulary: model.vocabulary.adding(tokens.added.tokens), special: tokens.special, model: model,
            normalization: pipeline.normalization, template: pipeline.processing.template)
        splitting = pipeline.splitting
        trimming = pipeline.processing.trimming
        decoding = pipeline.decoding
        addedTokens = tokens.added.tokens
        notes = tokens.added.notes
    }

    /// A note where the parts of a class are not those of the file.
    private mutating func noteChanges(
        from document: TokenizerDocument, to pipeline: FamilyPipeline, className: String
    ) {
        let isSameModel =
            switch (try? document.model.model(file: document.file), model) {
            case (let own?, let used): own.settings == used.settings
            case (nil, _): false
            }
        let changes = [
            document.normalization.resolved == pipeline.normalization.resolved ? nil : "normalizer",
            document.splitting == pipeline.splitting ? nil : "pre_tokenizer",
            document.processing.template == pipeline.processing.template ? nil : "post_processor",
            isSameModel ? nil : "model's settings",
        ].compactMap(\.self)
        guard !changes.isEmpty else { return }
        notes.append(
            "\(document.file): its \(changes.joined(separator: ", ")) are not used but those of \(className), as in "
                + "Transformers 5; name PreTrainedTokenizerFast as tokenizer_class to use them")
    }
}

extension Normalization {
    /// With what lower-casing means for accents spelled out.
    fileprivate var resolved: Normalization {
        Normalization(
            steps: steps.map { step in
                guard case .bert(var normalizer) = step else { return step }
                normalizer.stripAccents = normalizer.stripAccents ?? normalizer.lowercase
                return .bert(normalizer)
            })
    }
}
