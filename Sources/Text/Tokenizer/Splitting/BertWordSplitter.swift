/// Splitting of normalised text into words: HF's `BertPreTokenizer`.
///
/// White space separates words and disappears; each punctuation scalar is a word of its own.
enum BertWordSplitter {
    private enum Class: UInt8 { case letter, space, punctuation }

    private static let asciiClasses: [Class] = (0..<128).map { classify(Unicode.Scalar(UInt8($0))) }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        if UnicodeClasses.isWhitespace(scalar) { return .space }
        return UnicodeClasses.isPunctuation(scalar) ? .punctuation : .letter
    }

    /// Appends the words of `text` (UTF-8), which starts at `offset`, in order.
    static func split(_ text: UnsafeBufferPointer<UInt8>, at offset: Int, into words: inout [Range<Int>]) {
        let asciiClasses = asciiClasses
        var start = 0
        var position = 0
        while position < text.count {
            let byte = text[position]
            var length = 1
            let kind: Class
            if byte < 0x80 {
                kind = asciiClasses[Int(byte)]
            } else {
                let decoded = UTF8Scalar.decode(text, at: position)
                length = decoded.length
                kind = classify(decoded.scalar)
            }
            if kind != .letter {
                if start < position { words.append((offset + start)..<(offset + position)) }
                start = position + length
                if kind == .punctuation { words.append((offset + position)..<(offset + start)) }
            }
            position += length
        }
        if start < position { words.append((offset + start)..<(offset + position)) }
    }
}
