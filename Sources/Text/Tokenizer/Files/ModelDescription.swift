import Support

/// What files say about a model, before a class of HF changes some of it.
struct ModelDescription {
    var kind: TokenModel.Kind
    var pieces: [Vocabulary.Entry]
    /// Of `Unigram`, by id.
    var scores: [Double] = []
    /// Of `BPE`, in order.
    var merges: [(String, String)] = []
    /// What stands for unknown words.
    var unknown: String?
    /// The same, for files that give its id.
    var unknownID: Int32?
    var settings = BytePairModel.Settings()
    /// Of `WordPiece`.
    var continuingPrefix = "##"
    var maxWordScalars = 100
    /// Of `Unigram`: tokens of bytes stand for unknown characters.
    var usesBytes = false
    /// From a SentencePiece model: its table of characters, and tokens that are found whole.
    var isFromSentencePiece = false
    var charactersMap: CharactersMap?
    var addedTokens: [AddedToken] = []

    init(kind: TokenModel.Kind, pieces: [Vocabulary.Entry]) {
        self.kind = kind
        self.pieces = pieces
    }

    /// - Throws: `.invalidVocabulary` for a vocabulary that does not fit; `file` is the one that it is from.
    func model(file: String) throws(TextError) -> TokenModel {
        let vocabulary = try Vocabulary(
            pieces: pieces, pieceCount: kind == .unigram ? pieces.count : nil,
            continuingPrefix: continuingPrefix, file: file)
        let unknown = unknownID ?? unknown.flatMap { vocabulary.pieceID(of: $0) }
        switch kind {
        case .wordPiece:
            return .wordPiece(
                WordPieceModel(vocabulary: vocabulary, unknown: unknown, maxWordScalars: maxWordScalars))
        case .wordLevel: return .wordLevel(WordLevelModel(vocabulary: vocabulary, unknown: unknown))
        case .unigram:
            if let unknown, Int(unknown) >= scores.count {
                throw TextError(
                    .invalidVocabulary, file: file,
                    "'model.unk_id' is \(unknown), but the vocabulary has \(scores.count) tokens")
            }
            return .unigram(
                UnigramModel(
                    vocabulary: vocabulary, scores: scores, unknown: unknown, usesBytes: usesBytes))
        case .bytePair:
            // Without one, unknown characters leave nothing; one that is not in the vocabulary is an error where needed.
            let unknown = self.unknown == nil ? nil : unknown ?? TokenModel.noToken
            return .bytePair(
                BytePairModel(
                    vocabulary: vocabulary, merges: try table(vocabulary, file: file), unknown: unknown,
                    settings: settings))
        }
    }

    private func table(_ vocabulary: Vocabulary, file: String) throws(TextError) -> MergeTable {
        var table = MergeTable(capacity: merges.count)
        let prefix = settings.continuingPrefix.utf8.count
        for (rank, (first, second)) in merges.enumerated() {
            guard let left = vocabulary.pieceID(of: first), let right = vocabulary.pieceID(of: second) else {
                let missing = vocabulary.pieceID(of: first) == nil ? first : second
                throw outOfVocabulary(missing, rank, file)
            }
            let whole = String(utf8: Array(first.utf8) + second.utf8.dropFirst(prefix))
            guard let id = vocabulary.pieceID(of: whole) else { throw outOfVocabulary(whole, rank, file) }
            table.insert(left, right, MergeTable.Merge(rank: UInt32(rank), id: id))
        }
        return table
    }

    private func outOfVocabulary(_ token: String, _ rank: Int, _ file: String) -> TextError {
        TextError(
            .invalidVocabulary, file: file,
            "merge \(rank + 1) needs the token \(quotedJSON(token)), which is not in the vocabulary")
    }
}
