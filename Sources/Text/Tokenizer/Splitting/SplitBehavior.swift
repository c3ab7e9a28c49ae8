/// What becomes of the parts of a text at which it is split; the raw value is HF's name.
enum SplitBehavior: String, Sendable, CaseIterable {
    case removed = "Removed"
    case isolated = "Isolated"
    case contiguous = "Contiguous"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"

    /// A part of a text, which is a delimiter or stands between two.
    typealias Segment = (range: Range<Int>, isDelimiter: Bool)

    /// Appends the words that segments make, moved by `offset`.
    func join(_ segments: [Segment], at offset: Int, into words: inout [Range<Int>]) {
        let first = words.count
        func append(_ range: Range<Int>, to words: inout [Range<Int>]) {
            words.append((offset + range.lowerBound)..<(offset + range.upperBound))
        }
        var wasDelimiter = false
        switch self {
        case .removed:
            for segment in segments where !segment.isDelimiter { append(segment.range, to: &words) }
        case .isolated: for segment in segments { append(segment.range, to: &words) }
        case .contiguous, .mergedWithPrevious:
            for segment in segments {
                let joins =
                    self == .contiguous
                    ? segment.isDelimiter == wasDelimiter : segment.isDelimiter && !wasDelimiter
                if joins, words.count > first, let last = words.popLast() {
                    words.append(last.lowerBound..<(offset + segment.range.upperBound))
                } else {
                    append(segment.range, to: &words)
                }
                wasDelimiter = segment.isDelimiter
            }
        case .mergedWithNext:
            for segment in segments.reversed() {
                if segment.isDelimiter, !wasDelimiter, words.count > first, let last = words.popLast() {
                    words.append((offset + segment.range.lowerBound)..<last.upperBound)
                } else {
                    append(segment.range, to: &words)
                }
                wasDelimiter = segment.isDelimiter
            }
            words[first...].reverse()
        }
        if words[first...].contains(where: \.isEmpty) {
            let kept = words[first...].filter { !$0.isEmpty }
            words.replaceSubrange(first..., with: kept)
        }
    }
}
