/// Takes the white space at the ends of tokens out of their offsets, as HF's `ByteLevel` and `RobertaProcessing` do.
struct OffsetTrimming: Sendable, Equatable {
    /// One blank at the start of the first token was added, and is not part of the text.
    let addsPrefixSpace: Bool

    /// - Parameters:
    ///   - spans: tokens of a text.
    ///   - spelling: of the token at an index.
    func apply(
        to spans: inout [TokenSpan], in text: UnsafeBufferPointer<UInt8>, spelling: (Int) -> String?
    ) {
        for index in spans.indices {
            guard let spelling = spelling(index) else { continue }
            let scalars = spelling.unicodeScalars
            var leading = scalars.prefix(while: OffsetTrimming.isSpace).count
            let trailing = scalars.reversed().prefix(while: OffsetTrimming.isSpace).count
            var range = spans[index].range
            if leading > 0 {
                let isFirst = index == 0 || range.lowerBound == 0
                if isFirst, addsPrefixSpace, leading == 1 { leading = 0 }
                var start = range.lowerBound
                for _ in 0..<leading where start < range.upperBound {
                    start += UTF8Scalar.decode(text, at: start).length
                }
                range = min(start, range.upperBound)..<range.upperBound
            }
            if trailing > 0 {
                var end = range.upperBound
                for _ in 0..<trailing where end > range.lowerBound {
                    end = UTF8Scalar.start(of: end - 1, in: text)
                }
                range = range.lowerBound..<max(end, range.lowerBound)
            }
            spans[index].range = range
        }
    }

    /// White space, or the character for a blank in the alphabet of bytes.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{120}" || UnicodeClasses.isWhitespace(scalar)
    }
}
