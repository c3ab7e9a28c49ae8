import Support

/// How often each word occurs in some texts.
package struct WordCounts: Sendable {
    package private(set) var counts: [TextKey: Int] = [:]
    private let normalization: Normalization
    private let splitting: WordSplitting

    /// - Parameter lowercase: lower-case and strip accents, as BERT's tokeniser with the vocabulary will.
    package init(lowercase: Bool = true) { self.init(for: .wordPiece, lowercase: lowercase) }

    /// - Parameters:
    ///   - kind: whose tokeniser the vocabulary is for.
    ///   - lowercase: lower-case and strip accents; of effect on BERT's only.
    init(for kind: VocabularyTrainer.Kind, lowercase: Bool) {
        switch kind {
        case .wordPiece:
            normalization = Normalization(steps: [.bert(BertNormalizer(lowercase: lowercase))])
            splitting = .bert
        case .bytePair:
            normalization = .none
            splitting = .byteLevel
        case .unigram:
            normalization = .sentencePiece
            splitting = WordSplitting(steps: [.metaspace(.sentencePiece)])
        }
    }

    /// Counts the words of a file, normalised and split as the tokeniser does it.
    /// - Throws: `FileError` for a file that cannot be read, `TextError` for one that is not UTF-8.
    package mutating func add(file path: String) throws {
        let file = try SourceFile(path: path, expected: "a text file")
        for line in try PlainText.lines(of: file, at: path) {
            try line.withUnsafeBufferPointer { (line) throws(TextError) in try add(line) }
        }
    }

    /// - Throws: what the steps of the tokeniser throw.
    package mutating func add(_ text: String) throws(TextError) {
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(TextError) in try add(bytes) }
    }

    private mutating func add(_ text: UnsafeBufferPointer<UInt8>) throws(TextError) {
        for word in try SplitText(text, normalization, splitting).spelledWords {
            counts[TextKey(word), default: 0] += 1
        }
    }
}
