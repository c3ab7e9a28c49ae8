import Support

/// Everything that a directory, a `vocab.txt` or a `tokenizer.json` says about its tokeniser; what a kind is made of.
///
/// Directories are read as HF Transformers reads them. `tokenizer.json` comes before the older files. The class that the
/// directory names (`tokenizer_class`) has a pipeline of its own, of which `tokenizer_config.json` holds the settings;
/// `PreTrainedTokenizerFast` has the one of `tokenizer.json`. Without any of this, text is BERT's, lower-cased.
package struct TokenizerSource {
    let files: TokenizerFiles
    let settings: TokenizerSettings
    let convention: TokenizerClass
    /// The name of the class in HF.
    let className: String
    /// The contents of `tokenizer.json`; `nil` without the file.
    let document: TokenizerDocument?

    /// - Throws: `FileError` when there is no tokeniser, or a file cannot be read; `TextError` for files that are damaged or
    ///   describe something that bertc does not do.
    package init(contentsOf path: String) throws { try self.init(TokenizerFiles(path)) }

    /// - Throws: the same as `init(contentsOf:)`.
    init(_ files: TokenizerFiles) throws {
        self.files = files
        settings = try TokenizerSettings(files)
        (convention, className) = try TokenizerClass.named(in: files, settings)
        document = try files[.document].map {
            try TokenizerDocument(try $0.json(repeatedNames: .lastCounts), file: $0.path)
        }
    }

    /// The tokeniser that the files are for.
    ///
    /// - Throws: `TextError` when the files do not fit each other; the part is named.
    package func tokenizer() throws -> any Tokenizer { try PipelineTokenizer(self) }

    /// Whether the model is given token types.
    var sendsTypes: Bool {
        let hasConfiguration = files[.config] != nil || files.modelConfig != nil
        return settings.sendsTypes ?? (!hasConfiguration || convention.sendsTypes(named: className))
    }
}
