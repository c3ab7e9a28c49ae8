import Support

/// What a `tokenizer.json` with a WordPiece model holds.
struct TokenizerDocument {
    let vocabulary: Vocabulary
    /// `nil` when the file has none.
    let normalization: Normalization?
    let splitting: WordSplitting
    let template: SequenceTemplate
    let maxWordScalars: Int
    let unknownToken: String
    /// Whether the file has another prefix of pieces within words than BERT's.
    let hasOwnPrefix: Bool
    /// The added tokens with the ids that the file states.
    let addedTokens: [(token: AddedToken, id: Int32)]
    /// The side that the file's own truncation cuts.
    let truncationSide: TruncationSide?

    /// - Throws: `.unsupportedTokenizer` when the file describes something that bertc does not do; the part is named.
    init(_ document: JSONValue, _ convention: TokenizerClass, file: String) throws(TextError) {
        let parts = TokenizerParts(file: file)
        guard let model = document["model"], let entries = model["vocab"]?.object?.members else {
            throw parts.unsupported("has no model.vocab object")
        }
        normalization = try parts.normalization(document["normalizer"])
        splitting = try parts.splitting(document["pre_tokenizer"])
        template = try parts.template(document["post_processor"])
        addedTokens = try TokenizerDocument.addedTokens(
            document["added_tokens"]?.array ?? [], file: file)
        let prefix = model["continuing_subword_prefix"]?.string ?? "##"
        vocabulary = try Vocabulary(
            pieces: TokenizerDocument.pieces(entries, file: file),
            continuingPrefix: convention == .bert ? "##" : prefix, file: file)
        hasOwnPrefix = !prefix.hasSameCodePoints(as: "##")
        maxWordScalars = try parts.wordLimit(model["max_input_chars_per_word"])
        unknownToken = model["unk_token"]?.string ?? "[UNK]"
        truncationSide = document["truncation"]?["direction"]?.string
            .flatMap { TruncationSide(rawValue: $0.lowercased()) }
    }

    private static func addedTokens(
        _ entries: [JSONValue], file: String
    ) throws(TextError) -> [(token: AddedToken, id: Int32)] {
        var tokens: [(AddedToken, Int32)] = []
        for entry in entries {
            guard let token = AddedToken(entry, special: false),
                let id = entry["id"]?.integer.flatMap(Int32.init(exactly:)), id >= 0
            else {
                throw TextError(
                    .invalidVocabulary, file: file, "an entry of added_tokens has no content or no id")
            }
            tokens.append((token, id))
        }
        return tokens
    }

    private static func pieces(
        _ entries: [JSONObject.Member], file: String
    ) throws(TextError) -> [Vocabulary.Entry] {
        var pieces: [Vocabulary.Entry] = []
        for entry in entries {
            guard let id = entry.value.integer.flatMap(Int32.init(exactly:)) else {
                throw TextError(
                    .invalidVocabulary, file: file,
                    "the id of token \(quotedJSON(entry.name)) is \(entry.value.text(.line)); "
                        + "expected a whole number")
            }
            pieces.append((entry.name, id))
        }
        return pieces
    }
}
