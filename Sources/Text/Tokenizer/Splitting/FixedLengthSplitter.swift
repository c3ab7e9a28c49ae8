/// HF's `FixedLength`: cuts words into parts of so many scalars.
struct FixedLengthSplitter: Sendable, Equatable {
    /// At least 1.
    let length: Int

    func apply<Text: PipelineText>(to split: inout SplitText<Text>) {
        split.splitWords { text, offset, words in
            var start = 0
            var count = 0
            UTF8Scalar.forEach(in: text) { _, position in
                if count == length {
                    words.append((offset + start)..<(offset + position))
                    (start, count) = (position, 0)
                }
                count += 1
            }
            if start < text.count { words.append((offset + start)..<(offset + text.count)) }
        }
    }
}
