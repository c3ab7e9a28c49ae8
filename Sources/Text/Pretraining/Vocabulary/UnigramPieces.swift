/// The pieces of a Unigram model in training: their texts, scores, and the search for them.
struct UnigramPieces {
    /// Texts one after another, shared by all stages of the training.
    struct Texts {
        private(set) var bytes: [UInt8] = []
        private(set) var starts: [Int] = [0]

        var count: Int { starts.count - 1 }

        mutating func append(_ text: some Sequence<UInt8>) {
            bytes += text
            starts.append(bytes.count)
        }

        subscript(index: Int) -> ArraySlice<UInt8> { bytes[starts[index]..<starts[index + 1]] }
    }

    /// A text by its index, and its logarithmic probability.
    struct Piece {
        let text: Int
        var score: Double
    }

    let texts: Texts
    /// The piece with the id 0 stands for unknown characters and has neither text nor score; the first of these has the
    /// id 1.
    let pieces: [Piece]
    let leastScore: Double
    private let trie: ByteTrie

    init(_ pieces: [Piece], _ texts: Texts) {
        self.texts = texts
        self.pieces = pieces
        leastScore = pieces.map(\.score).min() ?? 0
        var trie = ByteTrie()
        for (index, piece) in pieces.enumerated() {
            _ = trie.set(texts[piece.text], value: Int32(index + 1))
        }
        self.trie = trie
    }

    /// One more than the greatest id.
    var idCount: Int { pieces.count + 1 }

    /// The score of an unknown character.
    var unknownScore: Double { leastScore - 10 }

    /// Calls `body` with the id, the score and the end of each piece that a word has at `start`.
    @inline(__always)
    func forEachPiece(
        from start: Int, of word: UnsafeBufferPointer<UInt8>, _ body: (Int32, Double, Int) -> Void
    ) {
        trie.forEachMatch(in: word[start...]) { id, length in
            body(id, pieces[Int(id) - 1].score, start + length)
        }
    }
}
