/// How tokens become a text again: the `decoder` of a `tokenizer.json`, with sequences taken apart.
struct Decoding: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case wordPiece(prefix: String, cleansUp: Bool)
        case byteLevel
        case metaspace(MetaspaceSplitter)
        /// The end of a word becomes a blank.
        case suffix(String)
        /// Tokens of bytes such as `<0x0A>` become text.
        case bytes
        /// All tokens become one.
        case fuse
        /// Drops so many of a character at the start and the end of each token.
        case strip(Unicode.Scalar, start: Int, end: Int)
        case replace(TextPattern, String)
    }

    var steps: [Step]

    /// Blanks between the tokens.
    static let none = Decoding(steps: [])

    /// The text of some tokens. Without steps, blanks stand between them.
    ///
    /// - Parameter cleanUp: whether decoders that drop the blank before `.?!,` may do so.
    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on a token.
    func text(joining tokens: [String], cleanUp: Bool) throws(TextError) -> String {
        guard !steps.isEmpty else { return tokens.joined(separator: " ") }
        var tokens = tokens
        for step in steps { tokens = try step.apply(to: tokens, cleanUp: cleanUp) }
        return tokens.joined()
    }
}

extension Decoding.Step {
    fileprivate func apply(to tokens: [String], cleanUp: Bool) throws(TextError) -> [String] {
        switch self {
        case .wordPiece(let prefix, let cleansUp):
            return WordPieceDecoder(prefix: prefix, cleansUp: cleansUp && cleanUp).apply(to: tokens)
        case .byteLevel: return [ByteDecoder.text(ofByteLevel: tokens)]
        case .metaspace(let metaspace): return metaspace.decode(tokens)
        case .suffix(let suffix):
            return tokens.enumerated().map { index, token in
                token.replacing(suffix, with: index == tokens.count - 1 ? "" : " ")
            }
        case .bytes: return ByteDecoder.joiningBytes(in: tokens)
        case .fuse: return [tokens.joined()]
        case .strip(let scalar, let start, let end):
            return tokens.map { token in
                var scalars = token.unicodeScalars[...]
                for _ in 0..<start where scalars.first == scalar { scalars.removeFirst() }
                for _ in 0..<end where scalars.last == scalar { scalars.removeLast() }
                return String(scalars)
            }
        case .replace(let pattern, let content):
            return try tokens.map { (token) throws(TextError) in
                try pattern.replacing(in: token, with: content)
            }
        }
    }
}

extension MetaspaceSplitter {
    fileprivate func decode(_ tokens: [String]) -> [String] {
        tokens.enumerated().map { index, token in
            var text = String.UnicodeScalarView()
            for scalar in token.unicodeScalars {
                if scalar != replacement {
                    text.append(scalar)
                } else if index > 0 || prepending == .never {
                    text.append(" ")
                }
            }
            return String(text)
        }
    }
}

extension TextPattern {
    fileprivate func replacing(in text: String, with content: String) throws(TextError) -> String {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBufferPointer { (buffer) throws(TextError) in
            var result: [UInt8] = []
            var position = 0
            try forEachMatch(in: buffer) { match in
                result += buffer[position..<match.lowerBound]
                result += content.utf8
                position = match.upperBound
            }
            return String(utf8: result + buffer[position...])
        }
    }
}
