/// HF's `ByteLevel`: GPT-2's words, in its alphabet of bytes.
struct ByteLevelSplitter: Sendable, Equatable {
    /// A blank goes before words that do not start with one.
    let addsPrefixSpace: Bool
    /// Words are split as GPT-2 splits them; else they stay whole.
    let splits: Bool

    func apply<Text: PipelineText>(to split: inout SplitText<Text>) {
        if addsPrefixSpace {
            split.rewriteWords { text, word, output in
                if text.bytes[word.lowerBound] != 0x20 {
                    output.append(0x20, from: word.lowerBound, of: text)
                }
                output.append(word, of: text)
            }
        }
        if splits { split.splitWords(ByteLevelSplitter.split) }
        split.rewriteWords { text, word, output in ByteAlphabet.write(word, of: text, into: &output) }
    }

    private enum Class: UInt8 { case letter, number, space, symbol }

    private static let asciiClasses: [Class] = (0..<128).map { classify(Unicode.Scalar(UInt8($0))) }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        let bit = GeneralCategories.bit(of: scalar)
        if bit & GeneralCategories.letters != 0 { return .letter }
        if bit & GeneralCategories.numbers != 0 { return .number }
        return UnicodeClasses.isWhitespace(scalar) ? .space : .symbol
    }

    @inline(__always)
    private static func scan(
        _ text: UnsafeBufferPointer<UInt8>, at position: Int, _ ascii: UnsafeBufferPointer<Class>
    ) -> (kind: Class, length: Int) {
        let byte = text[position]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        let (scalar, length) = UTF8Scalar.decode(text, at: position)
        return (classify(scalar), length)
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    static func split(_ text: UnsafeBufferPointer<UInt8>, at offset: Int, into words: inout [Range<Int>]) {
        asciiClasses.withUnsafeBufferPointer { ascii in
            var position = 0
            while position < text.count {
                let end = wordEnd(text, from: position, ascii)
                words.append((offset + position)..<(offset + end))
                position = end
            }
        }
    }

    private static func wordEnd(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ ascii: UnsafeBufferPointer<Class>
    ) -> Int {
        if text[start] == UInt8(ascii: "'"), let length = contraction(text, at: start) {
            return start + length
        }
        var (kind, length) = scan(text, at: start, ascii)
        var position = start + length
        if text[start] == 0x20, position < text.count {
            let next = scan(text, at: position, ascii)
            if next.kind != .space {
                kind = next.kind
                position += next.length
            }
        }
        var last = start
        while position < text.count {
            let next = scan(text, at: position, ascii)
            guard next.kind == kind else { break }
            last = position
            position += next.length
        }
        // The last of several spaces goes with the word after them.
        return kind == .space && position < text.count && last > start ? last : position
    }

    /// The length of an English contraction's end: `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`.
    private static func contraction(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
        guard start + 1 < text.count else { return nil }
        let second = start + 2 < text.count ? text[start + 2] : 0
        switch text[start + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return second == UInt8(ascii: "e") ? 3 : nil
        case UInt8(ascii: "l"): return second == UInt8(ascii: "l") ? 3 : nil
        default: return nil
        }
    }
}
