import Support

/// Trains a vocabulary: what Hugging Face's `BertWordPieceTrainer`, `BpeTrainer` and `UnigramTrainer` make of the same
/// words.
///
/// Unigram's is chosen by `UnigramTrainer`. For the others, first come the special tokens, then the characters (for WordPiece also as continuations `##c`, for BPE those of all
/// bytes), then one token for each merge of the most frequent pair of adjacent pieces (byte-pair encoding, Sennrich et
/// al., arXiv:1508.07909). Among pairs that occur equally often, the one with the smaller ids goes first. Hugging Face
/// numbers the continuations in the order of a hash table; here they are in the order of code points, so that the same
/// text always gives the same vocabulary.
package struct VocabularyTrainer: Sendable {
    /// What the vocabulary is for; the raw value is the name of HF's model in lower case.
    package enum Kind: String, Sendable, CaseIterable {
        /// BERT's.
        case wordPiece = "wordpiece"
        /// RoBERTa's, of bytes.
        case bytePair = "bpe"
        /// SentencePiece's, as XLM-RoBERTa has it.
        case unigram
    }

    /// The tokens in the order of their ids, with the merges in order or the scores by id.
    package struct Result: Sendable {
        package var tokens: [String]
        package var merges: [(String, String)] = []
        package var scores: [Double] = []
    }

    package var kind = Kind.wordPiece
    /// Tokens in all at most, special ones included.
    package var size = 30_522
    /// Shares the work; the result does not depend on it.
    package var runner: any TaskRunner = CallingThread()
    /// Pairs that occur less often are not merged.
    package var minimumFrequency = 2
    /// Characters at most; words lose the rarer ones.
    package var alphabetLimit = 1000

    package init(
        _ kind: Kind = .wordPiece, size: Int = 30_522, runner: any TaskRunner = CallingThread()
    ) {
        self.kind = kind
        self.size = size
        self.runner = runner
    }

    static let specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    static let robertaTokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

    /// - Throws: `.invalidVocabulary` without words, or when the characters alone are more than `size`.
    package func train(_ words: WordCounts) throws(TextError) -> Result {
        let sorted = words.counts.map { (word: $0.key.text, count: $0.value) }
            .sorted { $0.word.precedesByCodePoint($1.word) }
        guard !sorted.isEmpty else {
            throw TextError(.emptyDataset, "there are no words to train a vocabulary on")
        }
        if kind == .unigram { return try trainUnigram(sorted) }
        let alphabet = kind == .bytePair ? SortedScalars(ByteAlphabet.scalars) : alphabet(of: sorted)
        var pieces = PieceTable(prefix: kind == .wordPiece ? "##" : "")
        for token in kind == .wordPiece ? Self.specialTokens : Self.robertaTokens { pieces.add(token) }
        for scalar in alphabet { pieces.add(String(scalar)) }
        if kind == .wordPiece { addContinuations(of: sorted, alphabet, to: &pieces) }
        try checkRoom(for: pieces.tokens.count)
        var merging = PieceMerging(
            words: sorted.map { word, count in
                PieceMerging.Word(pieces: pieces.split(word, alphabet: alphabet), count: count)
            })
        var merges: [(String, String)] = []
        while pieces.tokens.count < size, let pair = merging.mostFrequent(atLeast: minimumFrequency) {
            merges.append((pieces.tokens[Int(pair.left)], pieces.tokens[Int(pair.right)]))
            merging.merge(pair, into: pieces.addMerge(pair))
        }
        return Result(tokens: pieces.tokens, merges: merges)
    }

    private func trainUnigram(_ words: [(word: String, count: Int)]) throws(TextError) -> Result {
        var alphabet: Set<Unicode.Scalar> = []
        for (word, _) in words { alphabet.formUnion(word.unicodeScalars) }
        let special = Self.robertaTokens
        try checkRoom(for: alphabet.count + special.count)
        let trainer = UnigramTrainer(size: size, specialCount: special.count, runner: runner)
        let tokens = trainer.train(words, alphabet: alphabet.sorted())
        return Result(
            tokens: special + tokens.map(\.text),
            scores: special.map { _ in 0 } + tokens.map(\.score))
    }

    private func checkRoom(for count: Int) throws(TextError) {
        guard count <= size else {
            throw TextError(
                .invalidVocabulary,
                "a vocabulary of \(size) has no room for the \(count) characters and special tokens; raise the size"
            )
        }
    }

    private func addContinuations(
        of words: [(word: String, count: Int)], _ alphabet: SortedScalars, to pieces: inout PieceTable
    ) {
        var continuations: Set<Unicode.Scalar> = []
        for (word, _) in words {
            for scalar in word.unicodeScalars.dropFirst() where alphabet.contains(scalar) {
                continuations.insert(scalar)
            }
        }
        for scalar in continuations.sorted() { pieces.add(pieces.prefix + String(scalar)) }
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
    /// The mark of pieces within words.
    let prefix: String
    private(set) var tokens: [String] = []
    private var ids: [TextKey: Int32] = [:]

    init(prefix: String) { self.prefix = prefix }

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
            right.utf8.starts(with: prefix.utf8)
            ? String(utf8: right.utf8.dropFirst(prefix.utf8.count)) : right
        return add(left + rest)
    }

    /// The characters of a word as ids.
    func split(_ word: String, alphabet: SortedScalars) -> [Int32] {
        word.unicodeScalars.enumerated().compactMap { index, scalar in
            alphabet.contains(scalar) ? ids[TextKey((index > 0 ? prefix : "") + String(scalar))] : nil
        }
    }
}
