import Support

extension ModelDescription {
    /// The `model` of a `tokenizer.json`; files of old versions do not say its kind.
    init(_ document: JSONValue, file: String) throws(TextError) {
        guard let model = document["model"], let vocabulary = model["vocab"] else {
            throw TextError(
                .unsupportedTokenizer, file: file,
                "has no model.vocab; expected a tokenizer.json of HF's tokenizers")
        }
        let part = DocumentPart(model, "model", file: file)
        self.init(kind: try Self.kind(of: part, vocabulary), pieces: [])
        switch kind {
        case .wordPiece:
            pieces = try Self.pieces(vocabulary, part)
            continuingPrefix = try part.string("continuing_subword_prefix") ?? "##"
            maxWordScalars = try part.count("max_input_chars_per_word") ?? 100
            unknown = try part.string("unk_token") ?? "[UNK]"
        case .wordLevel:
            pieces = try Self.pieces(vocabulary, part)
            unknown = try part.string("unk_token") ?? "<unk>"
        case .bytePair:
            pieces = try Self.pieces(vocabulary, part)
            try readBytePairs(part)
        case .unigram:
            try readScores(part)
            unknownID = try part.count("unk_id").map(Int32.init(clamping:))
            try checkUnknownID(of: part)
            usesBytes = try part.bool("byte_fallback") ?? false
        }
    }

    private static func kind(
        of part: DocumentPart, _ vocabulary: JSONValue
    ) throws(TextError) -> TokenModel.Kind {
        guard let type = try part.string("type") else {
            if vocabulary.array != nil { return .unigram }
            return part["merges"] != nil ? .bytePair : .wordPiece
        }
        guard let kind = TokenModel.Kind(rawValue: type) else {
            throw try part.unknownKind(TokenModel.Kind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return kind
    }

    /// Tokens with their ids, which are the values of an object.
    static func pieces(_ vocabulary: JSONValue, _ part: DocumentPart) throws(TextError) -> [Vocabulary.Entry]
    {
        guard let entries = vocabulary.object?.members else {
            throw part.refusal(
                "has a vocabulary that is \(vocabulary.kind); expected an object with ids by token")
        }
        var pieces: [Vocabulary.Entry] = []
        pieces.reserveCapacity(entries.count)
        for entry in entries {
            guard let id = entry.value.integer.flatMap(Int32.init(exactly:)) else {
                throw TextError(
                    .invalidVocabulary, file: part.file,
                    "the id of token \(quotedJSON(entry.name)) is \(entry.value.text(.line)); "
                        + "expected a whole number")
            }
            pieces.append((entry.name, id))
        }
        return pieces
    }

    private mutating func readBytePairs(_ part: DocumentPart) throws(TextError) {
        if let dropout = part["dropout"], dropout.value.double != 0 {
            throw dropout.refusal(
                "is \(dropout.value.text(.line)), which makes tokens random; expected null or 0")
        }
        unknown = try part.string("unk_token")
        settings = BytePairModel.Settings(
            continuingPrefix: try part.string("continuing_subword_prefix") ?? "",
            endSuffix: try part.string("end_of_word_suffix") ?? "",
            fusesUnknown: try part.bool("fuse_unk") ?? false,
            usesBytes: try part.bool("byte_fallback") ?? false,
            keepsKnownWords: try part.bool("ignore_merges") ?? false)
        _ = try part.need("merges", part["merges"])
        for element in try part.elements("merges") {
            if let line = element.value.string {
                if line.utf8.starts(with: "#version".utf8) { continue }
                let parts = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw element.refusal("is not two tokens with a blank between them")
                }
                merges.append((String(utf8: parts[0]), String(utf8: parts[1])))
            } else {
                let pair = element.value.array?.compactMap(\.string) ?? []
                guard pair.count == 2 else { throw element.refusal("is not a pair of tokens") }
                merges.append((pair[0], pair[1]))
            }
        }
    }

    /// HF refuses it as well, also where a class does not use it.
    private func checkUnknownID(of part: DocumentPart) throws(TextError) {
        guard let unknownID, Int(unknownID) >= scores.count, let id = part["unk_id"] else { return }
        throw id.refusal(
            "is \(id.value.text(.line)), but the vocabulary has \(scores.count) tokens; correct it or fetch the file again"
        )
    }

    private mutating func readScores(_ part: DocumentPart) throws(TextError) {
        for element in try part.elements("vocab") {
            guard let pair = element.value.array, pair.count == 2, let token = pair[0].string,
                let score = pair[1].double
            else { throw element.refusal("is not a token with its score") }
            pieces.append((token, Int32(pieces.count)))
            scores.append(score)
        }
    }
}
