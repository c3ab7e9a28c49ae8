/// Finds added tokens in a text: the leftmost, and of several at one place the longest.
struct AddedTokenMatcher: Sendable {
    /// A piece of the text between tokens, or a token.
    enum Piece: Equatable {
        case text(Range<Int>)
        case token(Int32, Range<Int>)
    }

    private let tokens: [NumberedToken]
    private var trie = ByteTrie()
    /// Whether some token starts with the byte.
    private var isFirstByte = [Bool](repeating: false, count: 256)

    /// - Parameter patterns: each token with the bytes to search for; empty ones are ignored.
    init(_ patterns: [(token: NumberedToken, bytes: [UInt8])]) {
        tokens = patterns.map(\.token)
        for (index, pattern) in patterns.enumerated() {
            guard let first = pattern.bytes.first else { continue }
            isFirstByte[Int(first)] = true
            _ = trie.insert(pattern.bytes, value: Int32(index))
        }
    }

    var isEmpty: Bool { tokens.isEmpty }

    /// The pieces that cover `text` in order, without empty ones (stripped white space is left out).
    func pieces(of text: UnsafeBufferPointer<UInt8>) -> [Piece] {
        if tokens.isEmpty { return text.isEmpty ? [] : [.text(0..<text.count)] }
        var pieces: [Piece] = []
        var pieceStart = 0
        var position = 0
        while position < text.count {
            guard isFirstByte[Int(text[position])], let match = trie.longestMatch(in: text[position...])
            else {
                position += 1
                continue
            }
            let id = tokens[Int(match.value)].id
            let token = tokens[Int(match.value)].token
            var range = position..<(position + match.length)
            position = range.upperBound
            if token.singleWord, touchesWord(range, in: text) { continue }
            if token.stripsLeft {
                let start = spaceStart(before: range.lowerBound, from: pieceStart, in: text)
                range = min(start, range.upperBound)..<range.upperBound
            }
            if token.stripsRight { range = range.lowerBound..<spaceEnd(after: range.upperBound, in: text) }
            // The token before took it as white space.
            if token.stripsLeft, range.lowerBound < pieceStart {
                range = pieceStart..<max(pieceStart, range.upperBound)
                if range.isEmpty { continue }
            }
            if pieceStart < range.lowerBound { pieces.append(.text(pieceStart..<range.lowerBound)) }
            pieces.append(.token(id, range))
            pieceStart = range.upperBound
        }
        if pieceStart < text.count { pieces.append(.text(pieceStart..<text.count)) }
        return pieces
    }

    private func touchesWord(_ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        if let before = scalar(before: range.lowerBound, in: text), UnicodeClasses.isWord(before.scalar) {
            return true
        }
        guard range.upperBound < text.count else { return false }
        return UnicodeClasses.isWord(UTF8Scalar.decode(text, at: range.upperBound).scalar)
    }

    /// Where the white space before `position` starts, `start` at the earliest: what stands before that was taken by
    /// another token.
    private func spaceStart(before position: Int, from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int
    {
        var position = position
        while position > start, let before = scalar(before: position, in: text),
            UnicodeClasses.isWhitespace(before.scalar)
        {
            position = before.position
        }
        return position
    }

    private func spaceEnd(after position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var position = position
        while position < text.count {
            let (scalar, length) = UTF8Scalar.decode(text, at: position)
            guard UnicodeClasses.isWhitespace(scalar) else { break }
            position += length
        }
        return position
    }

    private func scalar(
        before position: Int, in text: UnsafeBufferPointer<UInt8>
    ) -> (scalar: Unicode.Scalar, position: Int)? {
        guard position > 0 else { return nil }
        let start = UTF8Scalar.start(of: position - 1, in: text)
        return (UTF8Scalar.decode(text, at: start).scalar, start)
    }
}
