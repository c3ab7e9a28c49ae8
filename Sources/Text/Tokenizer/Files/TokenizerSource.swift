import Support

/// Everything that a directory, a `vocab.txt` or a `tokenizer.json` says about its tokeniser; what a kind is made of.
///
/// Directories are read as HF Transformers reads them. `tokenizer.json` comes before `vocab.txt`; in one with a
/// `BertNormalizer`, `tokenizer_config.json` has the last word on `do_lower_case`, `strip_accents` and
/// `tokenize_chinese_chars`, and what it does not say is HF's default. Without any of this, text is lower-cased.
package struct TokenizerSource {
    /// A tokeniser that is there, by what splits its words into pieces.
    enum Kind: String {
        /// Greedy search for the longest piece.
        case wordPiece = "WordPiece"
    }

    let files: TokenizerFiles
    let settings: TokenizerSettings
    let convention: TokenizerClass
    /// The name of the class in HF.
    let className: String
    /// The contents of `tokenizer.json`; `nil` without the file.
    let document: JSONValue?
    let kind: Kind

    /// - Throws: `FileError` when there is no tokeniser, or a file cannot be read; `TextError` for files that are damaged or for
    ///   a kind that is not one of `Kind`.
    package init(contentsOf path: String) throws {
        files = try TokenizerFiles(path)
        settings = try TokenizerSettings(files)
        (convention, className) = try TokenizerClass.named(in: files, settings)
        document = try files[.document]?.json(repeatedNames: .lastCounts)
        guard let document, let file = files[.document]?.path else {
            kind = .wordPiece
            return
        }
        kind = try Kind(document: document, file: file)
    }

    /// The tokeniser, of the kind that the files are for.
    ///
    /// - Throws: `TextError` when the files describe something that the kind does not do; the part is named.
    package func tokenizer() throws -> any Tokenizer {
        switch kind {
        case .wordPiece: try WordPieceTokenizer(self)
        }
    }

    /// Whether the model is given token types.
    var sendsTypes: Bool {
        let hasConfiguration = files[.config] != nil || files.modelConfig != nil
        return settings.sendsTypes ?? (!hasConfiguration || TokenizerClass.sendsTypes(named: className))
    }
}

extension TokenizerSource.Kind {
    /// The kind of a `tokenizer.json`; files of old versions do not say that they are WordPiece.
    fileprivate init(document: JSONValue, file: String) throws(TextError) {
        guard let type = document["model"]?["type"]?.string else {
            self = .wordPiece
            return
        }
        guard let kind = Self(rawValue: type) else {
            throw TokenizerParts(file: file).unsupported("model.type is \(type)")
        }
        self = kind
    }
}
