import Support

/// What a `tokenizer.json` of a BERT model holds.
struct TokenizerDocument {
    let vocabulary: Vocabulary
    let normalizer: TextNormalizer
    let maxWordScalars: Int
    let addedTokens: [AddedToken]

    /// - Throws: `.unsupportedTokenizer` when the file describes another kind of tokeniser than BERT's.
    init(_ file: SourceFile) throws(TextError) {
        let document = try file.json(repeatedNames: .lastCounts)
        func unsupported(_ what: String) -> TextError {
            TextError(
                .unsupportedTokenizer, file: file.path, "\(what); expected a BERT tokeniser (WordPiece)")
        }
        guard let model = document["model"], let entries = model["vocab"]?.object?.members else {
            throw unsupported("has no model.vocab object")
        }
        if let type = model["type"]?.string, type != "WordPiece" {
            throw unsupported("model.type is \(type)")
        }
        guard let settings = document["normalizer"], settings["type"]?.string == "BertNormalizer" else {
            throw unsupported("the normalizer is not a BertNormalizer")
        }
        if let type = document["pre_tokenizer"]?["type"]?.string, type != "BertPreTokenizer" {
            throw unsupported("the pre_tokenizer is \(type)")
        }
        addedTokens = try TokenizerDocument.addedTokens(
            document["added_tokens"]?.array ?? [], file: file.path)
        vocabulary = try Vocabulary(
            tokens: TokenizerDocument.tokens(entries, addedTokens: addedTokens, file: file.path),
            pieces: entries.count,
            continuingPrefix: model["continuing_subword_prefix"]?.string ?? "##", file: file.path)
        maxWordScalars = model["max_input_chars_per_word"]?.integer ?? 100
        normalizer = TextNormalizer(
            cleanText: settings["clean_text"]?.bool ?? true,
            tokenizeChineseChars: settings["handle_chinese_chars"]?.bool ?? true,
            lowercase: settings["lowercase"]?.bool ?? true, stripAccents: settings["strip_accents"]?.bool)
    }

    private static func addedTokens(_ entries: [JSONValue], file: String) throws(TextError) -> [AddedToken] {
        var tokens: [AddedToken] = []
        for entry in entries {
            guard let content = entry["content"]?.string,
                let id = entry["id"]?.integer.flatMap(Int32.init(exactly:)),
                id >= 0
            else {
                throw TextError(
                    .invalidVocabulary, file: file, "an entry of added_tokens has no content or no id")
            }
            tokens.append(
                AddedToken(
                    content: content, id: id, singleWord: entry["single_word"]?.bool ?? false,
                    stripsLeft: entry["lstrip"]?.bool ?? false, stripsRight: entry["rstrip"]?.bool ?? false,
                    normalized: entry["normalized"]?.bool ?? true, special: entry["special"]?.bool ?? false))
        }
        return tokens
    }

    /// The tokens in the order of their ids, which must be 0, 1, 2 ... without a gap.
    private static func tokens(
        _ entries: [(name: String, value: JSONValue)], addedTokens: [AddedToken], file: String
    ) throws(TextError) -> [String] {
        var pairs: [(id: Int, token: String)] = []
        for entry in entries {
            guard let id = entry.value.integer else {
                throw TextError(
                    .invalidVocabulary, file: file,
                    "the id of token \(quotedJSON(entry.name)) is \(entry.value.kind); "
                        + "expected a whole number"
                )
            }
            pairs.append((id, entry.name))
        }
        let last = pairs.map(\.id).max() ?? -1
        pairs += addedTokens.filter { $0.id > last }.map { (Int($0.id), $0.content) }
        pairs.sort { $0.id < $1.id }
        for (expected, pair) in pairs.enumerated() where pair.id != expected {
            throw TextError(
                .invalidVocabulary, file: file,
                "token \(quotedJSON(pair.token)) has id \(pair.id) where \(expected) was expected; "
                    + "ids must count from 0 without gaps or repeats")
        }
        for added in addedTokens
        where pairs[Int(added.id)].token.utf8.elementsEqual(added.content.utf8) == false {
            throw TextError(
                .invalidVocabulary, file: file,
                "added token \(quotedJSON(added.content)) has id \(added.id), "
                    + "which the vocabulary gives to \(quotedJSON(pairs[Int(added.id)].token))")
        }
        return pairs.map(\.token)
    }
}
