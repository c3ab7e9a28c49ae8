import Support

/// The tokens of a model, their ids, and the search for those that a text starts with.
///
/// Tokens are compared byte for byte, never by canonical equivalence. Ids may have holes.
package struct Vocabulary: Sendable {
    /// A token with its id.
    package typealias Entry = (token: String, id: Int32)

    /// Tokens in the order of their ids; empty at ids that no token has.
    package let tokens: [String]
    private let holes: Set<Int32>
    /// The mark of a token that continues a word, `##`.
    package let continuingPrefix: String
    /// How many tokens words may be split into.
    let pieceCount: Int
    /// The tokens that words are split into.
    private let trie: ByteTrie
    /// Tokens that only occur whole, in the text before it is split.
    private let wholeTokens: ByteTrie
    /// Where the search for a continuing token starts; `nil` if there is none in the vocabulary.
    private let continuingRoot: ByteTrie.Node?
    /// No model has as many rows; a table of so many tokens would be mostly holes.
    static let greatestID: Int32 = 9_999_999

    /// - Parameters:
    ///   - pieces: what words are split into. Of a token that occurs more than once the last counts.
    ///   - pieceCount: how many there are, if equal ones count.
    /// - Throws: `.invalidVocabulary` when there is none, or an id is out of reach; `file` is named.
    package init(
        pieces: [Entry], pieceCount: Int? = nil, continuingPrefix: String = "##", file: String? = nil
    ) throws(TextError) {
        guard !pieces.isEmpty else {
            throw TextError(
                .invalidVocabulary, file: file, "the vocabulary is empty; expected one token per line")
        }
        if let entry = pieces.first(where: { $0.id < 0 || $0.id > Vocabulary.greatestID }) {
            throw TextError(
                .invalidVocabulary, file: file,
                "the id of token \(quotedJSON(entry.token)) is \(entry.id); expected 0 to \(Vocabulary.greatestID)"
            )
        }
        var trie = ByteTrie()
        var count = 0
        for piece in pieces where trie.set(piece.token.utf8, value: piece.id) == nil { count += 1 }
        self.init(
            entries: pieces.filter { trie.value(of: $0.token.utf8) == $0.id }, trie: trie,
            pieceCount: pieceCount ?? count, wholeTokens: ByteTrie(), continuingPrefix: continuingPrefix)
    }

    /// The tokens of a list, with their places in it as ids.
    package init(tokens: [String], file: String? = nil) throws(TextError) {
        try self.init(pieces: tokens.enumerated().map { ($1, Int32($0)) }, file: file)
    }

    private init(
        entries: [Entry], trie: ByteTrie, pieceCount: Int, wholeTokens: ByteTrie, continuingPrefix: String
    ) {
        var tokens = [String](repeating: "", count: 1 + Int(entries.map(\.id).max() ?? -1))
        var holes = Set(tokens.indices.map(Int32.init))
        for entry in entries {
            tokens[Int(entry.id)] = entry.token
            holes.remove(entry.id)
        }
        self.tokens = tokens
        self.holes = holes
        self.pieceCount = pieceCount
        self.trie = trie
        self.wholeTokens = wholeTokens
        self.continuingPrefix = continuingPrefix
        continuingRoot = trie.node(for: continuingPrefix.utf8)
    }

    /// With more tokens, which words are not split into.
    func adding(_ added: [NumberedToken]) -> Vocabulary {
        var wholeTokens = wholeTokens
        let new = added.filter { pieceID(of: $0.token.content) != $0.id }
        for entry in new { _ = wholeTokens.set(entry.token.content.utf8, value: entry.id) }
        let entries =
            tokens.enumerated().lazy.map { (token: $1, id: Int32($0)) }.filter { !holes.contains($0.id) }
            + new.lazy.filter { token(of: $0.id) == nil }.map { (token: $0.token.content, id: $0.id) }
        return Vocabulary(
            entries: Array(entries), trie: trie, pieceCount: pieceCount, wholeTokens: wholeTokens,
            continuingPrefix: continuingPrefix)
    }

    /// One more than the greatest id.
    package var count: Int { tokens.count }

    /// The id of a token that is spelled exactly like this.
    package func id(of token: String) -> Int32? { wholeTokens.value(of: token.utf8) ?? pieceID(of: token) }

    /// The id of a token that words may be split into.
    func pieceID(of token: String) -> Int32? { trie.value(of: token.utf8) }

    /// The id of a token that words may be split into.
    @inline(__always)
    func pieceID(of token: some Sequence<UInt8>) -> Int32? { trie.value(of: token) }

    /// Calls `body` with each token that the text has at `start`, and where it ends.
    @inline(__always)
    func forEachPiece(
        from start: Int, of text: UnsafeBufferPointer<UInt8>, _ body: (Int32, Int) -> Void
    ) {
        trie.forEachMatch(in: text[start...]) { body($0, start + $1) }
    }

    /// The tokens of single bytes, such as `<0x0A>`.
    var byteIDs: [Int32?] {
        (0..<256).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return pieceID(of: "<0x" + (byte < 16 ? "0" : "") + digits + ">")
        }
    }

    /// The token of an id, if there is one.
    package func token(of id: Int32) -> String? {
        tokens.indices.contains(Int(id)) && !holes.contains(id) ? tokens[Int(id)] : nil
    }

    /// Splits one word greedily into the longest tokens from the left and appends them.
    ///
    /// - Returns: false, with `output` unchanged, when some rest of the word is not in the vocabulary.
    @inline(__always)
    func appendPieces<Output: PieceOutput>(
        of word: UnsafeBufferPointer<UInt8>.SubSequence, to output: inout Output
    ) -> Bool {
        let count = output.count
        var start = word.startIndex
        var root: ByteTrie.Node? = .root
        while start < word.endIndex {
            guard let from = root, let match = trie.longestMatch(in: word[start...], from: from) else {
                output.removeLast(output.count - count)
                return false
            }
            output.append(match.value, start..<(start + match.length))
            start += match.length
            root = continuingRoot
        }
        return true
    }
}
