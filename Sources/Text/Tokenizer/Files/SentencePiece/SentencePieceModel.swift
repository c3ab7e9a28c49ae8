import Support

/// A model of SentencePiece, as its files hold it (`sentencepiece_model.proto`).
struct SentencePieceModel {
    struct Piece {
        enum Kind: UInt64 {
            case normal = 1
            case unknown, control, userDefined, unused, byte
        }

        var text = ""
        var score = 0.0
        var kind = Kind.normal
    }

    /// How words are split.
    enum Algorithm: UInt64 {
        case unigram = 1
        case bytePair, words, characters
    }

    private(set) var pieces: [Piece] = []
    private(set) var algorithm = Algorithm.unigram
    private(set) var unknownID = 0
    /// The table of the normaliser; empty when there is none.
    private(set) var charactersMap: [UInt8] = []
    let file: String

    /// - Throws: `.damagedFile` for bytes that are no such model.
    init(_ source: SourceFile) throws(TextError) {
        file = source.path
        do {
            try read(source.bytes)
        } catch {
            throw TextError(
                .damagedFile, file: file, "is not an intact SentencePiece model; fetch or copy the file again"
            )
        }
        guard !pieces.isEmpty else {
            throw TextError(.damagedFile, file: file, "is not a SentencePiece model: it has no pieces")
        }
        try checkPieces()
    }

    /// What SentencePiece checks when it loads a model, and that scores are numbers.
    private func checkPieces() throws(TextError) {
        func refusal(_ message: String) -> TextError {
            TextError(.invalidVocabulary, file: file, message + "; fetch or copy the file again")
        }
        var places: [TextKey: Int] = [:]
        for (id, piece) in pieces.enumerated() {
            let name = "piece \(id), \(quotedJSON(piece.text, limit: 80)),"
            if piece.text.isEmpty { throw refusal("piece \(id) has no text") }
            guard piece.score.isFinite else { throw refusal("\(name) has the score \(piece.score)") }
            if let first = places.updateValue(id, forKey: TextKey(piece.text)) {
                throw refusal("\(name) has the same text as piece \(first)")
            }
        }
        guard pieces.count(where: { $0.kind == .unknown }) == 1 else {
            throw refusal(
                "must have one piece of the type UNKNOWN, and has \(pieces.count { $0.kind == .unknown })")
        }
        guard pieces.indices.contains(unknownID), pieces[unknownID].kind == .unknown else {
            throw refusal("'trainer_spec.unk_id' is \(unknownID), which is not the piece of the type UNKNOWN")
        }
    }

    private mutating func read(_ bytes: [UInt8]) throws(ProtobufDamage) {
        var reader = ProtobufReader(bytes[...])
        while let (field, value) = try reader.next() {
            guard case .bytes(let message) = value else { continue }
            switch field {
            case 1: pieces.append(try Piece(message))
            case 2: try readTrainer(message)
            case 3: try readNormalizer(message)
            default: break
            }
        }
    }

    private mutating func readTrainer(_ message: ArraySlice<UInt8>) throws(ProtobufDamage) {
        var reader = ProtobufReader(message)
        while let (field, value) = try reader.next() {
            guard case .number(let number) = value else { continue }
            if field == 3 {
                guard let algorithm = Algorithm(rawValue: number) else { throw ProtobufDamage() }
                self.algorithm = algorithm
            } else if field == 40 {
                unknownID = Int(truncatingIfNeeded: number)
            }
        }
    }

    private mutating func readNormalizer(_ message: ArraySlice<UInt8>) throws(ProtobufDamage) {
        var reader = ProtobufReader(message)
        while let (field, value) = try reader.next() {
            if field == 2, case .bytes(let bytes) = value { charactersMap = Array(bytes) }
        }
    }
}

extension SentencePieceModel.Piece {
    fileprivate init(_ message: ArraySlice<UInt8>) throws(ProtobufDamage) {
        var reader = ProtobufReader(message)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let bytes)):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw ProtobufDamage()
                }
                self.text = text
            case (2, .fixed(let bits)): score = Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            case (3, .number(let number)):
                guard let kind = Kind(rawValue: number) else { throw ProtobufDamage() }
                self.kind = kind
            default: break
            }
        }
    }
}
