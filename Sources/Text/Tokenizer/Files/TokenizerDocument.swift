import Support

/// What a `tokenizer.json` holds.
struct TokenizerDocument {
    let model: ModelDescription
    let normalization: Normalization
    let splitting: WordSplitting
    let processing: PostProcessing
    /// Whether the file has a post-processor at all.
    let hasProcessing: Bool
    /// `nil` when the file has none.
    let decoding: Decoding?
    /// The added tokens with the ids that the file states.
    let addedTokens: [(token: AddedToken, id: Int32)]
    /// The side that the file's own truncation cuts; its length has no effect, as in Transformers.
    let truncationSide: TruncationSide?
    let file: String

    /// - Throws: `.unsupportedTokenizer` when the file describes something that bertc does not do; the part is named.
    init(_ document: JSONValue, file: String) throws(TextError) {
        let whole = DocumentPart(document, "", file: file)
        model = try ModelDescription(document, file: file)
        normalization = try Normalization(whole["normalizer"])
        splitting = try WordSplitting(whole["pre_tokenizer"])
        processing = try PostProcessing(whole["post_processor"])
        hasProcessing = whole["post_processor"] != nil
        decoding = try whole["decoder"].map { part throws(TextError) in try Decoding(part) }
        addedTokens = try TokenizerDocument.addedTokens(whole.elements("added_tokens"))
        truncationSide = try whole["truncation"]?.choice("direction", TruncationSide.self)
        self.file = file
    }

    private static func addedTokens(
        _ entries: [DocumentPart]
    ) throws(TextError) -> [(token: AddedToken, id: Int32)] {
        var tokens: [(AddedToken, Int32)] = []
        for entry in entries {
            guard let token = AddedToken(entry.value, special: false),
                let id = entry.value["id"]?.integer.flatMap(Int32.init(exactly:)),
                (0...Vocabulary.greatestID).contains(id)
            else {
                throw TextError(
                    .invalidVocabulary, file: entry.file,
                    "'\(entry.key)' has no content, or no id from 0 to \(Vocabulary.greatestID)")
            }
            tokens.append((token, id))
        }
        return tokens
    }
}
