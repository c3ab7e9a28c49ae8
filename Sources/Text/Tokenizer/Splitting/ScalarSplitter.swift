/// Splits words at single scalars: HF's `WhitespaceSplit`, `Punctuation`, `Digits` and `CharDelimiterSplit`.
struct ScalarSplitter: Sendable, Equatable {
    enum Delimiters: Sendable, Equatable {
        case whitespace, punctuation, numbers
        case scalar(Unicode.Scalar)
    }

    let delimiters: Delimiters
    let behavior: SplitBehavior

    static let whitespace = ScalarSplitter(delimiters: .whitespace, behavior: .removed)

    func apply<Text: PipelineText>(to split: inout SplitText<Text>) {
        var segments: [SplitBehavior.Segment] = []
        split.splitWords { text, offset, words in
            switch delimiters {
            case .whitespace where behavior == .removed: ScalarSplitter.splitAtSpace(text, offset, &words)
            default:
                segments.removeAll(keepingCapacity: true)
                text.addSegments(to: &segments, isDelimiter)
                behavior.join(segments, at: offset, into: &words)
            }
        }
    }

    private func isDelimiter(_ scalar: Unicode.Scalar) -> Bool {
        switch delimiters {
        case .whitespace: UnicodeClasses.isWhitespace(scalar)
        case .punctuation: UnicodeClasses.isPunctuation(scalar)
        case .numbers: UnicodeClasses.isNumber(scalar)
        case .scalar(let delimiter): scalar == delimiter
        }
    }

    private static func splitAtSpace(
        _ text: UnsafeBufferPointer<UInt8>, _ offset: Int, _ words: inout [Range<Int>]
    ) {
        var start = 0
        var position = 0
        while position < text.count {
            let (scalar, length) = UTF8Scalar.decode(text, at: position)
            let isSpace =
                scalar.value < 0x80
                ? scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value)
                : UnicodeClasses.isWhitespace(scalar)
            if isSpace {
                if start < position { words.append((offset + start)..<(offset + position)) }
                start = position + length
            }
            position += length
        }
        if start < position { words.append((offset + start)..<(offset + position)) }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Appends the delimiters, each a segment, and what is between them.
    fileprivate func addSegments(
        to segments: inout [SplitBehavior.Segment], _ isDelimiter: (Unicode.Scalar) -> Bool
    ) {
        var start = 0
        UTF8Scalar.forEach(in: self) { scalar, position in
            guard isDelimiter(scalar) else { return }
            if start < position { segments.append((start..<position, false)) }
            start = position + UTF8Scalar.bytes(of: scalar).count
            segments.append((position..<start, true))
        }
        if start < count { segments.append((start..<count, false)) }
    }
}
