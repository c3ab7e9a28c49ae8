/// HF's `Split`: splits words at the matches of a pattern, or at what is between them.
struct PatternSplitter: Sendable, Equatable {
    let pattern: TextPattern
    let behavior: SplitBehavior
    /// The matches are the words, and what is between them delimits.
    let isInverted: Bool

    func apply<Text: PipelineText>(to split: inout SplitText<Text>) throws(TextError) {
        var segments: [SplitBehavior.Segment] = []
        try split.splitWords { (text, offset, words) throws(TextError) in
            segments.removeAll(keepingCapacity: true)
            var position = 0
            try pattern.forEachMatch(in: text) { match in
                if position < match.lowerBound { segments.append((position..<match.lowerBound, isInverted)) }
                segments.append((match, !isInverted))
                position = match.upperBound
            }
            if position < text.count { segments.append((position..<text.count, isInverted)) }
            behavior.join(segments, at: offset, into: &words)
        }
    }
}
