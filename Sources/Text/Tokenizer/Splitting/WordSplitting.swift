/// How a normalised text becomes words: the `pre_tokenizer` of a `tokenizer.json`. Each step splits the words of the
/// one before; without steps the text is one word.
struct WordSplitting: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        /// White space separates, and each punctuation scalar is a word of its own.
        case bert
        /// Runs of letters and digits, and runs of everything else but white space: `\w+|[^\w\s]+`.
        case wordsAndSymbols
        case whitespace
        case punctuation(Behavior)
        case digits(Behavior)
        case delimiter(Unicode.Scalar)
    }

    /// What becomes of the scalars at which a word is split; the raw value is HF's name.
    enum Behavior: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case contiguous = "Contiguous"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
    }

    var steps: [Step]

    static let bert = WordSplitting(steps: [.bert])

    /// Appends the words of `text` (UTF-8) in order.
    func split(_ text: UnsafeBufferPointer<UInt8>, into words: inout [WordSplitter.Word]) {
        if steps == WordSplitting.bert.steps { return WordSplitter.split(text, into: &words) }
        var ranges = text.isEmpty ? [] : [0..<text.count]
        for step in steps { ranges = ranges.flatMap { step.split($0, of: text) } }
        for range in ranges {
            let scalars = text[range].count { $0 & 0xC0 != 0x80 }
            words.append(WordSplitter.Word(range: range, scalars: scalars))
        }
    }
}

extension WordSplitting.Step {
    fileprivate func split(_ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        func split(
            _ behavior: WordSplitting.Behavior, at isDelimiter: (Unicode.Scalar) -> Bool
        ) -> [Range<Int>] {
            behavior.join(segments(of: range, in: text, isDelimiter))
        }
        switch self {
        case .bert:
            return split(.removed, at: UnicodeClasses.isWhitespace).flatMap {
                WordSplitting.Step.punctuation(.isolated).split($0, of: text)
            }
        case .wordsAndSymbols:
            return split(.removed, at: UnicodeClasses.isWhitespace).flatMap {
                WordSplitting.Behavior.contiguous.join(
                    segments(of: $0, in: text) { !UnicodeClasses.isWord($0) })
            }
        case .whitespace: return split(.removed, at: UnicodeClasses.isWhitespace)
        case .punctuation(let behavior): return split(behavior, at: UnicodeClasses.isPunctuation)
        case .digits(let behavior): return split(behavior, at: UnicodeClasses.isNumber)
        case .delimiter(let delimiter): return split(.removed) { $0 == delimiter }
        }
    }

    /// Cuts a range into delimiters, each a segment, and what is between them.
    private func segments(
        of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>, _ isDelimiter: (Unicode.Scalar) -> Bool
    ) -> [WordSplitting.Segment] {
        var segments: [WordSplitting.Segment] = []
        var start = range.lowerBound
        var position = start
        while position < range.upperBound {
            let (scalar, length) = UTF8Scalar.decode(text, at: position)
            if isDelimiter(scalar) {
                if start < position { segments.append(.init(range: start..<position, isDelimiter: false)) }
                start = position + length
                segments.append(.init(range: position..<start, isDelimiter: true))
            }
            position += length
        }
        if start < position { segments.append(.init(range: start..<position, isDelimiter: false)) }
        return segments
    }
}

extension WordSplitting {
    fileprivate struct Segment {
        let range: Range<Int>
        let isDelimiter: Bool
    }
}

extension WordSplitting.Behavior {
    fileprivate func join(_ segments: [WordSplitting.Segment]) -> [Range<Int>] {
        switch self {
        case .removed: segments.filter { !$0.isDelimiter }.map(\.range)
        case .isolated: segments.map(\.range)
        case .contiguous: merge(segments) { $0.isDelimiter == $1.isDelimiter }
        case .mergedWithPrevious: merge(segments) { !$0.isDelimiter && $1.isDelimiter }
        case .mergedWithNext: merge(segments) { $0.isDelimiter && !$1.isDelimiter }
        }
    }

    /// Joins neighbours that belong together.
    private func merge(
        _ segments: [WordSplitting.Segment], _ belong: (WordSplitting.Segment, WordSplitting.Segment) -> Bool
    ) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var last: WordSplitting.Segment?
        for segment in segments {
            if let last, let previous = ranges.popLast() {
                ranges +=
                    belong(last, segment)
                    ? [previous.lowerBound..<segment.range.upperBound] : [previous, segment.range]
            } else {
                ranges.append(segment.range)
            }
            last = segment
        }
        return ranges
    }
}
