/// What splits words into pieces: the `model` of a `tokenizer.json`.
enum TokenModel: Sendable {
    case wordPiece(WordPieceModel)
    case bytePair(BytePairModel)
    case unigram(UnigramModel)
    case wordLevel(WordLevelModel)

    /// The name in a `tokenizer.json`.
    enum Kind: String, CaseIterable, Sendable {
        case wordPiece = "WordPiece"
        case bytePair = "BPE"
        case unigram = "Unigram"
        case wordLevel = "WordLevel"
    }

    /// Stands for an unknown word until it is found out that there is no token for it.
    static let noToken: Int32 = -1

    var kind: Kind {
        switch self {
        case .wordPiece: .wordPiece
        case .bytePair: .bytePair
        case .unigram: .unigram
        case .wordLevel: .wordLevel
        }
    }

    /// The tokens that words are split into.
    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        case .bytePair(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        case .wordLevel(let model): model.vocabulary
        }
    }

    /// What stands for a word that has no pieces.
    var unknown: Int32? {
        switch self {
        case .wordPiece(let model): model.unknown
        case .bytePair(let model): model.unknown
        case .unigram(let model): model.unknown
        case .wordLevel(let model): model.unknown
        }
    }

    /// Appends the pieces of words of a text.
    func appendPieces<Output: PieceOutput>(
        of words: [Range<Int>], in text: UnsafeBufferPointer<UInt8>, cache: inout PieceCache,
        to output: inout Output
    ) {
        switch self {
        case .wordPiece(let model):
            for word in words { model.appendPieces(of: word, in: text, to: &output) }
        case .bytePair(let model): cache.append(words, in: text, to: &output, model)
        case .unigram(let model): cache.append(words, in: text, to: &output, model)
        case .wordLevel(let model):
            for word in words {
                output.append(
                    model.vocabulary.pieceID(of: text[word]) ?? model.unknown ?? TokenModel.noToken, word)
            }
        }
    }

    /// Whether a piece is spelled as the text is, though it may be the unknown token.
    func spellsAsText(_ id: Int32) -> Bool {
        if case .unigram(let model) = self { !model.isByte(id) } else { false }
    }

    /// Everything that has a part in how a word is split, for a hash.
    var settings: String {
        switch self {
        case .wordPiece(let model):
            "\(model.maxWordScalars) \(model.vocabulary.continuingPrefix) \(model.unknown ?? -1)"
        case .bytePair(let model): "\(model.settings) \(model.merges.description)"
        case .unigram(let model): "\(model.unknown ?? -1) \(model.usesBytes) \(model.scores)"
        case .wordLevel(let model): "\(model.unknown ?? -1)"
        }
    }
}

/// HF's `WordLevel`: whole words.
struct WordLevelModel: Sendable {
    let vocabulary: Vocabulary
    let unknown: Int32?
}

/// HF's `WordPiece`: greedy search for the longest piece.
struct WordPieceModel: Sendable {
    let vocabulary: Vocabulary
    let unknown: Int32?
    /// Words of more scalars become the unknown token.
    var maxWordScalars = 100

    @inline(__always)
    func appendPieces<Output: PieceOutput>(
        of word: Range<Int>, in text: UnsafeBufferPointer<UInt8>, to output: inout Output
    ) {
        let isShort =
            word.count <= maxWordScalars || text[word].count { $0 & 0xC0 != 0x80 } <= maxWordScalars
        if !isShort || !vocabulary.appendPieces(of: text[word], to: &output) {
            output.append(unknown ?? TokenModel.noToken, word)
        }
    }
}
