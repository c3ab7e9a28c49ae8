import Support

/// Who says how a directory's tokeniser works: the class that it names, or its `tokenizer.json`.
enum TokenizerClass {
    /// A class of HF with a pipeline of its own.
    case family(TokenizerFamily)
    /// What the `tokenizer.json` describes, and nothing else.
    case document

    private static let documentNames = ["PreTrainedTokenizer", "TokenizersBackend"]
    /// Models whose `tokenizer_class` HF does not believe: it takes the `tokenizer.json`.
    private static let documentModels = ["modernbert", "modernbert-decoder", "nystromformer"]
    /// Classes that need the dictionary of a language.
    private static let dictionaryNames = ["BertJapaneseTokenizer", "RoFormerTokenizer", "CpmTokenizer"]

    /// - Parameters:
    ///   - name: a class of HF; `Fast` at its end makes no difference.
    ///   - hasDocument: whether there is a `tokenizer.json`.
    /// - Throws: `.unsupportedTokenizer` for other kinds of tokenisers; `file` is the one with the name.
    init(named name: String, hasDocument: Bool, file: String) throws(TextError) {
        let plain = TokenizerClass.withoutFast(name)
        if let family = TokenizerFamily.all.first(where: { $0.names.contains(where: plain.hasSameCodePoints) }
        ) {
            self = .family(family)
        } else if TokenizerClass.documentNames.contains(where: plain.hasSameCodePoints) {
            guard hasDocument else {
                throw TextError(
                    .unsupportedTokenizer, file: file,
                    "tokenizer_class is \(name), which needs a tokenizer.json; add it, or name BertTokenizer")
            }
            self = .document
        } else if TokenizerClass.dictionaryNames.contains(where: plain.hasSameCodePoints) {
            throw TextError(
                .unsupportedTokenizer, file: file,
                "tokenizer_class is \(name), which splits words by a dictionary that bertc does not have; use a model "
                    + "with another tokeniser")
        } else {
            let known = TokenizerFamily.all.flatMap { $0.names.prefix(1) }.joined(separator: ", ")
            throw TextError(
                .unsupportedTokenizer, file: file,
                "tokenizer_class is \(quotedJSON(name)), which bertc does not know; expected \(known), a class that "
                    + "equals one of them, or PreTrainedTokenizerFast with a tokenizer.json")
        }
    }

    var family: TokenizerFamily? { if case .family(let family) = self { family } else { nil } }

    /// Whether a tokeniser of this class gives the model token types when `model_input_names` does not say it.
    func sendsTypes(named name: String) -> Bool {
        guard let family else { return false }
        return !family.namesWithoutTypes.contains(where: TokenizerClass.withoutFast(name).hasSameCodePoints)
    }

    private static func withoutFast(_ name: String) -> String {
        name.utf8.reversed().starts(with: "Fast".utf8.reversed())
            ? String(name.unicodeScalars.dropLast(4)) : name
    }
}

extension TokenizerClass {
    /// A directory's class of tokeniser with its name: what `tokenizer_config.json` says, else the model's configuration,
    /// else the class that belongs to the kind of model, else BERT's. A `tokenizer.json` without any configuration stands
    /// for itself.
    static func named(
        in files: TokenizerFiles, _ settings: TokenizerSettings
    ) throws(TextError) -> (convention: TokenizerClass, name: String) {
        let hasDocument = files[.document] != nil
        let modelType = try files.modelSetting("model_type")?.text
        if hasDocument, let modelType, documentModels.contains(where: modelType.hasSameCodePoints) {
            return (.document, "PreTrainedTokenizerFast")
        }
        if let name = settings.className, let file = files[.config]?.path {
            return (try TokenizerClass(named: name, hasDocument: hasDocument, file: file), name)
        }
        if let (name, file) = try files.modelSetting("tokenizer_class") {
            return (try TokenizerClass(named: name, hasDocument: hasDocument, file: file), name)
        }
        let isOfModel = { (family: TokenizerFamily) in
            modelType.map { type in family.modelTypes.contains { type.hasSameCodePoints(as: $0) } } ?? false
        }
        if let family = TokenizerFamily.all.first(where: isOfModel) {
            return (.family(family), family.names[0])
        }
        let isAlone = hasDocument && files[.config] == nil && files.modelConfig == nil
        if isAlone { return (.document, "PreTrainedTokenizerFast") }
        guard hasDocument || files[.vocabulary] != nil else {
            throw TextError(
                .unsupportedTokenizer, file: files.path,
                "does not say which tokeniser its vocabulary is for; name it as tokenizer_class in "
                    + "tokenizer_config.json, for example RobertaTokenizer")
        }
        return (.family(.bert), "BertTokenizer")
    }
}
