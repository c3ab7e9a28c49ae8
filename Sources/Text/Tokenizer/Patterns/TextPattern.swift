import Support

/// What a step looks for in a text: a string, or a regular expression.
struct TextPattern: Sendable, Equatable {
    private enum Matcher: Sendable {
        case bytes([UInt8])
        case program(PatternProgram)
    }

    /// The string or the expression.
    let source: String
    let isExpression: Bool
    private let matcher: Matcher

    init(string: String) {
        source = string
        isExpression = false
        matcher = .bytes(Array(string.utf8))
    }

    /// - Throws: what in the expression is wrong, or not known.
    init(expression: String) throws(PatternParser.Failure) {
        source = expression
        isExpression = true
        matcher = .program(PatternProgram(try PatternParser.parse(expression)))
    }

    static func == (left: TextPattern, right: TextPattern) -> Bool {
        left.isExpression == right.isExpression && left.source.utf8.elementsEqual(right.source.utf8)
    }

    /// Calls `body` with each match, from left to right and not overlapping. An empty match right after another one is
    /// none.
    ///
    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on this text.
    func forEachMatch(
        in text: UnsafeBufferPointer<UInt8>, retryLimit: Int = PatternMatcher.retryLimit,
        _ body: (Range<Int>) -> Void
    ) throws(TextError) {
        switch matcher {
        case .bytes(let bytes): forEachOccurrence(of: bytes, in: text, body)
        case .program(let program):
            var matcher = PatternMatcher(program, text, limit: retryLimit)
            var position = 0
            var lastEnd: Int?
            while position <= text.count {
                let end: Int?
                do {
                    end = try matcher.match(at: position)
                } catch {
                    throw tooManyRetries(retryLimit)
                }
                if let end, end > position || end != lastEnd {
                    body(position..<end)
                    lastEnd = end
                    if end > position {
                        position = end
                        continue
                    }
                }
                position += position < text.count ? UTF8Scalar.decode(text, at: position).length : 1
            }
        }
    }

    private func forEachOccurrence(
        of bytes: [UInt8], in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void
    ) {
        guard let first = bytes.first else { return }
        var position = 0
        while position + bytes.count <= text.count {
            if text[position] == first, text[position..<(position + bytes.count)].elementsEqual(bytes) {
                body(position..<(position + bytes.count))
                position += bytes.count
            } else {
                position += 1
            }
        }
    }

    private func tooManyRetries(_ limit: Int) -> TextError {
        TextError(
            .unsupportedTokenizer,
            "the tokeniser's regular expression \(quotedJSON(source, limit: 80)) needs more than \(limit) retries on this "
                + "text, and Hugging Face gives up as well; write it without repetitions of repetitions such as (a+)+"
        )
    }
}
