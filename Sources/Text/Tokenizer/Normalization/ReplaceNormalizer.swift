/// HF's `Replace`: puts one text in the place of every match of a pattern.
struct ReplaceNormalizer: Sendable, Equatable {
    let pattern: TextPattern
    let content: [UInt8]

    /// Several blanks become one.
    static let severalBlanks = ReplaceNormalizer(expression: " {2,}", content: " ")

    /// - Parameter expression: one that is known to be right.
    init(expression: String, content: String) {
        guard let pattern = try? TextPattern(expression: expression) else {
            preconditionFailure("\(expression) is an expression that PatternParser reads")
        }
        self.init(pattern: pattern, content: Array(content.utf8))
    }

    init(pattern: TextPattern, content: [UInt8]) {
        self.pattern = pattern
        self.content = content
    }

    func apply<Text: PipelineText>(to text: Text, into output: inout Text) throws(TextError) {
        try text.bytes.withUnsafeBufferPointer { (bytes) throws(TextError) in
            var position = 0
            try pattern.forEachMatch(in: bytes) { match in
                output.append(position..<match.lowerBound, of: text)
                output.append(contentsOf: content, from: match.upperBound - 1, of: text)
                position = match.upperBound
            }
            output.append(position..<bytes.count, of: text)
        }
    }
}
