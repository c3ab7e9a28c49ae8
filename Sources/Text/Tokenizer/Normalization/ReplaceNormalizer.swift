/// HF's `Replace`: puts one text in the place of every match of a pattern.
struct ReplaceNormalizer: Sendable, Equatable {
    let pattern: TextPattern
    let content: [UInt8]

    func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        text.bytes.withUnsafeBufferPointer { bytes in
            var position = 0
            pattern.forEachMatch(in: bytes) { match in
                output.append(position..<match.lowerBound, of: text)
                output.append(contentsOf: content, from: match.upperBound - 1, of: text)
                position = match.upperBound
            }
            output.append(position..<bytes.count, of: text)
        }
    }
}
