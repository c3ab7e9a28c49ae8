import Support

/// Trains a WordPiece vocabulary: what Hugging Face's `BertWordPieceTrainer` makes of the same words.
///
/// First come the special tokens, then the characters, then the characters as continuations `##c`, then one token for
/// each merge of the most frequent pair of adjacent pieces (byte-pair encoding, Sennrich et al., arXiv:1508.07909).
/// Among pairs that occur equally often, the one with the smaller ids goes first. Hugging Face numbers the continuations
/// in the order of a hash table; here they are in the order of code points, so that the same text always gives the
/// same vocabulary.
package struct VocabularyTrainer: Sendable {
    /// Tokens in all at most, special ones included.
    package var size = 30_522
    /// Pairs that occur less often are not merged.
    package var minimumFrequency = 2
    /// Characters at most; words lose the rarer ones.
    package var alphabetLimit = 1000

    package init(size: Int = 30_522) { self.size = size }

    static let specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    /// The tokens in the order of their ids.
    ///
    /// - Throws: `.invalidVocabulary` without words, or when the characters alone are more than `size`.
    package func train(_ words: WordCounts) throws(TextError) -> [String] {
        let sorted = words.counts.map { (word: $0.key.text, count: $0.value) }
            .sorted { $0.word.precedesByCodePoint($1.word) }
        guard !sorted.isEmpty else {
            throw TextError(.emptyDataset, "there are no words to train a vocabulary on")
        }
        let alphabet = alphabet(of: sorted)
        var pieces = PieceTable(Self.specialTokens)
        for scalar in alphabet { pieces.add(String(scalar)) }
        var continuations: Set<Unicode.Scalar> = []
        for (word, _) in sorted {
            for scalar in word.unicodeScalars.dropFirst() where alphabet.contains(scalar) {
                continuations.insert(scalar)
            }
        }
        for scalar in continuations.sorted() { pieces.add(PieceTable.prefix + String(scalar)) }
        guard pieces.tokens.count <= size else {
            throw TextError(
                .invalidVocabulary,
                "a vocabulary of \(size) has no room for the \(pieces.tokens.count) characters and special tokens; "
                    + "raise the size")
        }
        var merging = PieceMerging(
            words: sorted.map { word, count in
                PieceMerging.Word(pieces: pieces.split(word, alphabet: alphabet), count: count)
            })
        while pieces.tokens.count < size, let pair = merging.mostFrequent(atLeast: minimumFrequency) {
            merging.merge(pair, into: pieces.addMerge(pair))
        }
        return pieces.tokens
    }

    /// The most frequent characters, in the order of code points; of equally frequent ones those with lower ones.
    private func alphabet(of words: [(word: String, count: Int)]) -> SortedScalars {
        var counts: [Unicode.Scalar: Int] = [:]
        for (word, count) in words {
            for scalar in word.unicodeScalars { counts[scalar, default: 0] += count }
        }
        let byFrequency = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return SortedScalars(byFrequency.prefix(alphabetLimit).map(\.key))
    }
}

/// Characters in the order of code points.
private struct SortedScalars: Sequence {
    private let sorted: [Unicode.Scalar]
    private let members: Set<Unicode.Scalar>

    init(_ scalars: [Unicode.Scalar]) {
        sorted = scalars.sorted()
        members = Set(scalars)
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool { members.contains(scalar) }

    func makeIterator() -> IndexingIterator<[Unicode.Scalar]> { sorted.makeIterator() }
}

/// The tokens so far with their ids.
private struct PieceTable {
    static let prefix = "##"
    private(set) var tokens: [String] = []
    private var ids: [TextKey: Int32] = [:]

    init(_ tokens: [String]) {
        for token in tokens { add(token) }
    }

    /// - Returns: the token's id, a new one if it is new.
    @discardableResult
    mutating func add(_ token: String) -> Int32 {
        if let id = ids[TextKey(token)] { return id }
        let id = Int32(tokens.count)
        ids[TextKey(token)] = id
        tokens.append(token)
        return id
    }

    /// Joins two pieces: `un` and `##known` to `unknown`.
    mutating func addMerge(_ pair: PiecePair) -> Int32 {
        let (left, right) = (tokens[Int(pair.left)], tokens[Int(pair.right)])
        let rest =
            right.utf8.starts(with: Self.prefix.utf8)
            ? String(utf8: right.utf8.dropFirst(Self.prefix.utf8.count)) : right
        return add(left + rest)
    }

    /// The characters of a word as ids.
    func split(_ word: String, alphabet: SortedScalars) -> [Int32] {
        word.unicodeScalars.enumerated().compactMap { index, scalar in
            alphabet.contains(scalar) ? ids[TextKey((index > 0 ? Self.prefix : "") + String(scalar))] : nil
        }
    }
}
