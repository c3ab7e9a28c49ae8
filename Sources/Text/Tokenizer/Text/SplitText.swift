/// A normalised text and the words that it is split into, in order and without empty ones.
struct SplitText<Text: PipelineText> {
    var text = Text()
    var words: [Range<Int>] = []
    /// Takes the words or the text of the next step.
    private var nextWords: [Range<Int>] = []
    private var nextText = Text()

    init() {}

    /// Replaces each word by its parts.
    ///
    /// - Parameter body: is given the word's bytes and where they start, and appends the parts.
    @inline(__always)
    mutating func splitWords<Failure>(
        _ body: (UnsafeBufferPointer<UInt8>, Int, inout [Range<Int>]) throws(Failure) -> Void
    ) throws(Failure) {
        var result = nextWords
        nextWords = []
        result.removeAll(keepingCapacity: true)
        try text.bytes.withUnsafeBufferPointer { (bytes) throws(Failure) in
            for word in words {
                try body(UnsafeBufferPointer(rebasing: bytes[word]), word.lowerBound, &result)
            }
        }
        nextWords = words
        words = result
    }

    /// Writes each word anew; words that become empty are dropped.
    ///
    /// - Parameter body: is given the text, the word in it, and the new text to append to.
    @inline(__always)
    mutating func rewriteWords(_ body: (Text, Range<Int>, inout Text) -> Void) {
        var result = nextText
        nextText = Text()
        result.removeAll()
        var count = 0
        for word in words {
            let start = result.bytes.count
            body(text, word, &result)
            guard result.bytes.count > start else { continue }
            words[count] = start..<result.bytes.count
            count += 1
        }
        words.removeLast(words.count - count)
        nextText = text
        text = result
    }
}
