import Support

/// The tokens of a WordPiece model, their ids, and the search for the longest one that fits.
///
/// Tokens are compared byte for byte, never by canonical equivalence.
package struct Vocabulary: Sendable {
    /// Tokens in the order of their ids.
    package let tokens: [String]
    /// The mark of a token that continues a word, `##`.
    package let continuingPrefix: String
    /// The tokens that words are split into.
    private let trie: ByteTrie
    /// Tokens that only occur whole, after all the others.
    private let wholeTokens: ByteTrie
    /// Where the search for a continuing token starts; `nil` if there is none in the vocabulary.
    private let continuingRoot: ByteTrie.Node?

    /// - Parameters:
    ///   - tokens: all tokens in the order of their ids.
    ///   - pieces: how many of them, from the first, words may be split into; `nil` for all. The rest are
    ///     added tokens, which are found in the text before it is split.
    /// - Throws: `.invalidVocabulary` when a token occurs twice; `file` is named, and the line if the file
    ///   has one token a line.
    package init(
        tokens: [String], pieces: Int? = nil, continuingPrefix: String = "##", file: String? = nil,
        oneTokenALine: Bool = false
    ) throws(TextError) {
        guard !tokens.isEmpty else {
            throw TextError(
                .invalidVocabulary, file: file, "the vocabulary is empty; expected one token a line")
        }
        var trie = ByteTrie()
        var wholeTokens = ByteTrie()
        for (id, token) in tokens.enumerated() {
            let isPiece = id < pieces ?? tokens.count
            let first =
                isPiece
                ? trie.insert(token.utf8, value: Int32(id))
                : trie.value(of: token.utf8) ?? wholeTokens.insert(token.utf8, value: Int32(id))
            if let first {
                throw TextError(
                    .invalidVocabulary, file: file, line: oneTokenALine ? id + 1 : nil,
                    "token \(quotedJSON(token)) has ids \(first) and \(id); remove one")
            }
        }
        self.tokens = tokens
        self.continuingPrefix = continuingPrefix
        self.trie = trie
        self.wholeTokens = wholeTokens
        continuingRoot = trie.node(for: continuingPrefix.utf8)
    }

    package var count: Int { tokens.count }

    /// The id of a token that is spelled exactly like this.
    package func id(of token: String) -> Int32? {
        trie.value(of: token.utf8) ?? wholeTokens.value(of: token.utf8)
    }

    /// The token of an id, if it is in range.
    package func token(of id: Int32) -> String? {
        tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
    }

    /// Splits one word greedily into the longest tokens from the left and appends their ids.
    ///
    /// - Returns: false, with `ids` unchanged, when some rest of the word is not in the vocabulary.
    func appendPieces(of word: UnsafeBufferPointer<UInt8>.SubSequence, to ids: inout [Int32]) -> Bool {
        let count = ids.count
        var start = word.startIndex
        var root: ByteTrie.Node? = .root
        while start < word.endIndex {
            guard let from = root, let match = trie.longestMatch(in: word[start...], from: from) else {
                ids.removeLast(ids.count - count)
                return false
            }
            ids.append(match.value)
            start += match.length
            root = continuingRoot
        }
        return true
    }
}
