import Foundation

extension Normalization {
    /// The `normalizer` of a `tokenizer.json`.
    init(_ part: DocumentPart?) throws(TextError) {
        steps = []
        for step in try part?.steps(list: "normalizers") ?? [] { steps.append(try Step(step)) }
    }

    /// The table of the `Precompiled` step, which some classes of HF keep.
    var charactersMap: CharactersMap? {
        for case .precompiled(let map) in steps { return map }
        return nil
    }
}

extension Normalization.Step {
    fileprivate init(_ part: DocumentPart) throws(TextError) {
        let kind = try part.kind
        if let form = NormalForm(rawValue: kind) {
            self = .form(form)
            return
        }
        switch kind {
        case "BertNormalizer":
            self = .bert(
                BertNormalizer(
                    cleanText: try part.bool("clean_text") ?? true,
                    tokenizeChineseChars: try part.bool("handle_chinese_chars") ?? true,
                    lowercase: try part.bool("lowercase") ?? true,
                    stripAccents: try part.bool("strip_accents")))
        case "Lowercase": self = .lowercase
        case "StripAccents": self = .stripAccents
        case "Strip":
            self = .strip(
                StripNormalizer(
                    left: try part.bool("strip_left") ?? true, right: try part.bool("strip_right") ?? true))
        case "Prepend": self = .prepend(Array(try part.need("prepend", part.string("prepend")).utf8))
        case "Replace":
            let content = try part.need("content", part.string("content"))
            self = .replace(ReplaceNormalizer(pattern: try part.pattern(), content: Array(content.utf8)))
        case "Precompiled":
            let text = try part.need("precompiled_charsmap", part.string("precompiled_charsmap"))
            guard let data = Data(base64Encoded: text), let map = CharactersMap(Array(data)) else {
                throw part.refusal(
                    "has a damaged 'precompiled_charsmap', which is not SentencePiece's table of characters in base 64; fetch "
                        + "or copy the file again")
            }
            self = .precompiled(map)
        case "Nmt": self = .nmt
        case "ByteLevel": self = .byteLevel
        default:
            throw try part.unknownKind(
                "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, Precompiled, "
                    + "Nmt, ByteLevel or a Sequence")
        }
    }
}
