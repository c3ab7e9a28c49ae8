import Testing

@testable import Text

/// Models of SentencePiece that its own loader would not take, written byte by byte (`sentencepiece_model.proto`).
@Suite struct SentencePieceModelTests {
    struct Piece: Sendable {
        var text: String
        var score: Float = -1
        /// 1 is a normal piece, 2 the unknown one.
        var kind: UInt8 = 1

        var bytes: [UInt8] {
            let text = Array(text.utf8)
            let bits = score.bitPattern
            let number = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
            return [0x0A, UInt8(text.count)] + text + [0x15] + number + [0x18, kind]
        }
    }

    static func model(_ pieces: [Piece], unknownID: UInt8 = 0) throws -> SentencePieceModel {
        let all = pieces.flatMap { piece -> [UInt8] in [0x0A, UInt8(piece.bytes.count)] + piece.bytes }
        // Field 40 of the trainer's settings.
        let trainer: [UInt8] = [0x12, 3, 0xC0, 0x02, unknownID]
        return try SentencePieceModel(SourceFile(path: "spm.model", bytes: all + trainer))
    }

    static let unknown = Piece(text: "<unk>", score: 0, kind: 2)

    @Test func intact() throws {
        let model = try Self.model([Piece(text: "a", score: -0.5), Self.unknown], unknownID: 1)
        #expect(model.pieces.map(\.text) == ["a", "<unk>"] && model.unknownID == 1)
        #expect(model.pieces[0].score == -0.5)
    }

    @Test(
        arguments: [
            ([unknown, Piece(text: "a", score: .nan)], 0, "piece 1, \"a\", has the score nan"),
            ([unknown, Piece(text: "a", score: -.infinity)], 0, "piece 1, \"a\", has the score -inf"),
            ([unknown, Piece(text: "a"), Piece(text: "a")], 0, "has the same text as piece 1"),
            ([unknown, Piece(text: "")], 0, "piece 1 has no text"),
            ([Piece(text: "a")], 0, "must have one piece of the type UNKNOWN, and has 0"),
            ([unknown, Piece(text: "b", kind: 2)], 0, "must have one piece of the type UNKNOWN, and has 2"),
            ([unknown, Piece(text: "a")], 1, "'trainer_spec.unk_id' is 1"),
            ([unknown, Piece(text: "a", kind: 9)], 0, "is not an intact SentencePiece model"),
        ] as [([Piece], UInt8, String)])
    func refusals(_ pieces: [Piece], _ unknownID: UInt8, _ message: String) throws {
        let error = try textError { _ = try Self.model(pieces, unknownID: unknownID) }
        #expect(error.description.hasPrefix("spm.model"))
        #expect(error.description.contains(message), "\(error.description)")
    }
}
