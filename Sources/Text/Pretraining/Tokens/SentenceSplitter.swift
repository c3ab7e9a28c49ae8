/// Cuts a line of text into sentences.
///
/// A sentence ends after `.`, `!` or `?`, with the quotes and closing brackets that follow, when white space and then
/// an upper-case letter, a digit, or an opening quote or bracket come next. A line that holds one sentence stays as it
/// is; "Mr. Bennet" is cut, which costs next-sentence prediction little.
package enum SentenceSplitter {
    private static let ends = Set(".!?".utf8)
    private static let closers = Set("\"')]".utf8)
    private static let openers = Set("\"'([".utf8)

    /// The sentences of a line (UTF-8) as ranges of bytes, without the white space around them; none when the line is
    /// blank.
    static func split(_ line: ArraySlice<UInt8>) -> [Range<Int>] {
        var sentences: [Range<Int>] = []
        var start = line.startIndex
        func append(upTo end: Int) {
            var (first, last) = (start, end)
            while first < last, isSpace(line[first]) { first += 1 }
            while first < last, isSpace(line[last - 1]) { last -= 1 }
            if first < last { sentences.append(first..<last) }
        }
        var position = line.startIndex
        while position < line.endIndex {
            position += 1
            guard ends.contains(line[position - 1]) else { continue }
            while position < line.endIndex, closers.contains(line[position]) { position += 1 }
            var next = position
            while next < line.endIndex, isSpace(line[next]) { next += 1 }
            guard next > position, next < line.endIndex, begins(line[next]) else { continue }
            append(upTo: position)
            start = next
            position = next
        }
        append(upTo: line.endIndex)
        return sentences
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func begins(_ byte: UInt8) -> Bool {
        let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
        let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        return isUpper || isDigit || openers.contains(byte)
    }
}
