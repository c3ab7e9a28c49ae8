import Support

/// Who says how a directory's tokeniser works: the class that it names, BERT's, or its `tokenizer.json`.
enum TokenizerClass: Equatable {
    /// BERT's, whose settings are in `tokenizer_config.json`; the class of its name in HF.
    case bert
    /// What the `tokenizer.json` describes, and nothing else.
    case document

    /// Classes of HF that do what `BertTokenizer` does.
    private static let bertNames = [
        "BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "DPRContextEncoderTokenizer",
        "DPRQuestionEncoderTokenizer", "ElectraTokenizer", "LayoutLMTokenizer", "LxmertTokenizer",
        "MobileBertTokenizer", "RealmTokenizer", "RetriBertTokenizer", "SqueezeBertTokenizer",
    ]
    /// Those of them that give the model no token types.
    private static let namesWithoutTypes = ["DistilBertTokenizer", "RetriBertTokenizer"]
    private static let documentNames = ["PreTrainedTokenizer", "TokenizersBackend"]

    /// - Parameters:
    ///   - name: a class of HF; `Fast` at its end makes no difference.
    ///   - hasDocument: whether there is a `tokenizer.json`.
    /// - Throws: `.unsupportedTokenizer` for other kinds of tokenisers; `file` is the one with the name.
    init(named name: String, hasDocument: Bool, file: String) throws(TextError) {
        let plain = TokenizerClass.withoutFast(name)
        if TokenizerClass.bertNames.contains(where: plain.hasSameCodePoints) {
            self = .bert
        } else if TokenizerClass.documentNames.contains(where: plain.hasSameCodePoints) {
            guard hasDocument else {
                throw TextError(
                    .unsupportedTokenizer, file: file,
                    "tokenizer_class is \(name), which needs a tokenizer.json; add it, or name BertTokenizer")
            }
            self = .document
        } else {
            throw TextError(
                .unsupportedTokenizer, file: file,
                "tokenizer_class is \(quotedJSON(name)), which is not a WordPiece tokeniser like BERT's; expected "
                    + "BertTokenizer, a class that equals it, or PreTrainedTokenizerFast")
        }
    }

    /// Whether tokenisers of a class give the model token types when `model_input_names` does not say it.
    static func sendsTypes(named name: String?) -> Bool {
        guard let name else { return true }
        return !(namesWithoutTypes + documentNames).contains(where: withoutFast(name).hasSameCodePoints)
    }

    private static func withoutFast(_ name: String) -> String {
        name.utf8.reversed().starts(with: "Fast".utf8.reversed())
            ? String(name.unicodeScalars.dropLast(4)) : name
    }
}

extension TokenizerClass {
    /// A directory's class of tokeniser with its name: what `tokenizer_config.json` says, else the model's configuration,
    /// else BERT's. A `tokenizer.json` without any configuration stands for itself.
    static func named(
        in files: TokenizerFiles, _ settings: TokenizerSettings
    ) throws(TextError) -> (convention: TokenizerClass, name: String) {
        let hasDocument = files[.document] != nil
        if let name = settings.className, let file = files[.config]?.path {
            return (try TokenizerClass(named: name, hasDocument: hasDocument, file: file), name)
        }
        if let (name, file) = try files.modelTokenizerClass {
            return (try TokenizerClass(named: name, hasDocument: hasDocument, file: file), name)
        }
        let isAlone = hasDocument && files[.config] == nil && files.modelConfig == nil
        return isAlone ? (.document, "PreTrainedTokenizerFast") : (.bert, "BertTokenizer")
    }
}
