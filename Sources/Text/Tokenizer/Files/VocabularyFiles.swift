import Support

extension ModelDescription {
    /// The vocabulary of a family's own files, in the older formats.
    ///
    /// - Throws: `FileError` when one is not there, `TextError` for one that is damaged.
    init(_ family: TokenizerFamily, _ files: TokenizerFiles) throws {
        func need(_ name: TokenizerFiles.Name) throws -> SourceFile {
            guard let source = files[name] else {
                let names = family.vocabulary.map(\.rawValue).joined(separator: " and ")
                throw FileError(
                    unreadable: files.path,
                    message:
                        "holds no \(name.rawValue); \(family.names[0]) needs \(names), or a tokenizer.json")
            }
            return source
        }
        switch family.vocabulary[0] {
        case .vocabulary: self.init(lines: try need(.vocabulary))
        case .identifiers:
            let vocabulary = try need(.identifiers)
            try self.init(vocabulary, merges: need(.merges))
        default: try self.init(SentencePieceModel(need(family.vocabulary[0])), for: family)
        }
    }

    /// A `vocab.txt` with one token per line; of a token that stands in several lines the last one counts, as in HF.
    private init(lines source: SourceFile) {
        self.init(
            kind: .wordPiece,
            pieces: source.lines.enumerated().map { line, bytes in
                (token: String(utf8: bytes).trimmingEnd, id: Int32(line))
            })
    }

    /// A `vocab.json` with ids by token, and a `merges.txt` with a pair per line.
    private init(_ vocabulary: SourceFile, merges: SourceFile) throws(TextError) {
        let json = try vocabulary.json(repeatedNames: .lastCounts)
        self.init(
            kind: .bytePair,
            pieces: try ModelDescription.pieces(json, DocumentPart(json, "", file: vocabulary.path)))
        for (line, bytes) in merges.lines.enumerated() where !bytes.starts(with: "#version".utf8) {
            let parts = bytes.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw TextError(
                    .invalidVocabulary, file: merges.path, line: line + 1,
                    "is not two tokens with a blank between them")
            }
            self.merges.append((String(utf8: parts[0]), String(utf8: parts[1])))
        }
    }

    private init(_ model: SentencePieceModel, for family: TokenizerFamily) throws(TextError) {
        guard model.algorithm == .unigram else {
            throw TextError(
                .unsupportedTokenizer, file: model.file,
                "is a SentencePiece model of the kind \(model.algorithm), but \(family.names[0]) is for unigram models"
            )
        }
        self.init(
            kind: .unigram, pieces: model.pieces.enumerated().map { ($1.text, Int32($0)) })
        scores = model.pieces.map(\.score)
        unknownID = Int32(clamping: model.unknownID)
        isFromSentencePiece = true
        charactersMap = CharactersMap(model.charactersMap)
        if charactersMap == nil, !model.charactersMap.isEmpty {
            throw TextError(
                .damagedFile, file: model.file,
                "has a damaged table of characters; fetch or copy the file again")
        }
        // Control symbols are special; symbols that users defined are found whole as well.
        for piece in model.pieces where piece.kind == .control || piece.kind == .userDefined {
            addedTokens.append(
                AddedToken(content: piece.text, normalized: false, special: piece.kind == .control))
        }
    }
}

extension String {
    /// Without the white space at the end, which HF drops from each line of a vocabulary.
    fileprivate var trimmingEnd: String {
        let last = unicodeScalars.lastIndex { !UnicodeClasses.isWhitespace($0) }
        return last.map { String(unicodeScalars[...$0]) } ?? ""
    }
}
