/// HF's `Unigram`: of all ways to cut a word into tokens the one with the greatest sum of scores.
struct UnigramModel: WordSplittingModel, Sendable {
    let vocabulary: Vocabulary
    /// By id.
    let scores: [Double]
    let unknown: Int32?
    /// Characters that are not in the vocabulary become the tokens of their bytes, such as `<0x0A>`.
    let usesBytes: Bool
    private let unknownScore: Double
    private let byteIDs: [Int32?]

    init(vocabulary: Vocabulary, scores: [Double], unknown: Int32?, usesBytes: Bool) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknown = unknown
        self.usesBytes = usesBytes
        unknownScore = (scores.min() ?? 0) - 10
        byteIDs = vocabulary.byteIDs
    }

    /// Whether a token stands for a byte of an unknown character.
    func isByte(_ id: Int32) -> Bool { usesBytes && byteIDs.contains(id) }

    /// The best way to a place in a word.
    struct Path: Sendable {
        var score = 0.0
        /// Where its last token starts; -1 when there is no way.
        var start: Int32 = -1
        var id: Int32 = 0
    }

    /// Appends the pieces of a word.
    func split(_ word: UnsafeBufferPointer<UInt8>, _ pieces: inout [Piece], _ scratch: inout SplitScratch) {
        scratch.paths.removeAll(keepingCapacity: true)
        scratch.paths.append(contentsOf: repeatElement(Path(), count: word.count + 1))
        scratch.paths.withUnsafeMutableBufferPointer { paths in
            search(word, paths)
            let first = pieces.count
            var end = word.count
            while end > 0 {
                let path = paths[end]
                var start = Int(path.start)
                if path.id == unknown || path.id == TokenModel.noToken {
                    // Unknown characters side by side are one.
                    while start > 0, paths[start].id == path.id { start = Int(paths[start].start) }
                    addUnknown(UnsafeBufferPointer(rebasing: word[start..<end]), to: &pieces)
                } else {
                    let length = Int32(end - start)
                    pieces.append(Piece(id: path.id, length: length, extent: length))
                }
                end = start
            }
            pieces[first...].reverse()
        }
    }

    /// Of equally good ways the one that was found first, with the earlier start, stays.
    private func search(_ word: UnsafeBufferPointer<UInt8>, _ paths: UnsafeMutableBufferPointer<Path>) {
        func offer(_ id: Int32, _ score: Double, from start: Int, to end: Int) {
            if paths[end].start < 0 || score > paths[end].score {
                paths[end] = Path(score: score, start: Int32(start), id: id)
            }
        }
        var start = 0
        while start < word.count {
            let score = paths[start].score
            let length = UTF8Scalar.decode(word, at: start).length
            var hasCharacter = false
            vocabulary.forEachPiece(from: start, of: word) { id, end in
                offer(id, scores[Int(id)] + score, from: start, to: end)
                if end == start + length { hasCharacter = true }
            }
            if !hasCharacter {
                offer(unknown ?? TokenModel.noToken, unknownScore + score, from: start, to: start + length)
            }
            start += length
        }
    }

    /// Appends what unknown characters become, last piece first.
    private func addUnknown(_ text: UnsafeBufferPointer<UInt8>, to pieces: inout [Piece]) {
        let length = Int32(text.count)
        // The token of the unknown, spelled out, or several tokens that are one together.
        if let id = vocabulary.pieceID(of: text) {
            return pieces.append(Piece(id: id, length: length, extent: length))
        }
        let ids = usesBytes ? text.compactMap { byteIDs[Int($0)] } : []
        guard ids.count == text.count, !ids.isEmpty else {
            return pieces.append(
                Piece(id: unknown ?? TokenModel.noToken, length: length, extent: length))
        }
        for (index, id) in ids.enumerated().reversed() {
            pieces.append(Piece(id: id, length: index == ids.count - 1 ? length : 0, extent: length))
        }
    }
}
