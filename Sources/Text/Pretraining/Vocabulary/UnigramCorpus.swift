/// Words with how often they occur, for `UnigramTrainer`; all their UTF-8 is in one place.
struct UnigramCorpus {
    private let bytes: [UInt8]
    /// Where each word starts, and where the last one ends.
    private let starts: [Int]
    let counts: [Double]

    init(_ words: [(word: String, count: Int)]) {
        var bytes: [UInt8] = []
        var starts = [0]
        for (word, _) in words {
            bytes += word.utf8
            starts.append(bytes.count)
        }
        self.bytes = bytes
        self.starts = starts
        counts = words.map { Double($0.count) }
    }

    /// How many words there are.
    var count: Int { counts.count }

    /// Calls `body` with words and their counts.
    func forEachWord(of words: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>, Double) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            for word in words {
                body(UnsafeBufferPointer(rebasing: bytes[starts[word]..<starts[word + 1]]), counts[word])
            }
        }
    }
}
