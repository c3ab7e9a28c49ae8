import Encoders
import Text

/// Texts of which those that are too long for a model are cut into chunks, whose vectors are joined.
///
/// A text of too many tokens is cut between words into the longest chunks that fit, front to back, each with the prompt and the
/// special tokens of its own. Its vector is Σ nᵢ vᵢ / Σ nᵢ, where vᵢ is the vector of chunk i and nᵢ its tokens without those of
/// the prompt and the special ones; scaled to unit length where the model's own vectors are. A text in one chunk has the
/// vector that it has anyway.
struct ChunkedTexts: Sendable {
    /// All chunks of all texts, in their order.
    let encodings: [Encoding]
    /// The weights of each text's chunks.
    private let weights: [[Double]]

    /// Cuts texts.
    ///
    /// - Parameter chunks: the chunks of each text with their weights.
    init(_ chunks: [[InputEncoder.Chunk]]) {
        encodings = chunks.flatMap { $0.map(\.encoding) }
        weights = chunks.map { $0.map { Double($0.weight) } }
    }

    /// The vector of each text.
    ///
    /// - Parameter rows: those of the chunks.
    func joined(_ rows: [[Float]], isUnit: Bool) -> [[Float]] {
        var start = 0
        return weights.map { weights in
            defer { start += weights.count }
            guard weights.count > 1 else { return rows[start] }
            var sum = [Double](repeating: 0, count: rows[start].count)
            for (index, weight) in weights.enumerated() {
                for (place, value) in rows[start + index].enumerated() {
                    sum[place] += weight * Double(value)
                }
            }
            let total = weights.reduce(0, +)
            let mean = sum.map { Float($0 / total) }
            return isUnit ? VectorSimilarity.unitLength(mean) : mean
        }
    }
}

extension InputEncoder {
    /// A part of a text.
    struct Chunk: Sendable {
        let encoding: Encoding
        /// Tokens without those of the prompt and the special ones.
        let weight: Int
    }

    /// The chunks of a text: all of it where it is not too long.
    ///
    /// - Parameter prompt: stands before each chunk.
    func chunks(of text: String, prompt: String, at place: @autoclosure () -> String) throws -> [Chunk] {
        func encode(_ text: some StringProtocol) throws -> Encoding {
            try located(at: place()) { () throws(TextError) in try tokenizer.encode(prompt + text) }
        }
        let whole = try encode(text)
        let extra = try encode("").count
        if whole.count <= maxLength { return [Chunk(encoding: whole, weight: max(1, whole.count - extra))] }
        let spans = try located(at: place()) { () throws(TextError) in try tokenizer.spans(of: text) }
            .filter { !$0.range.isEmpty }
        guard extra < maxLength else { throw tooLong(whole, at: place()) }
        let bytes = Array(text.utf8)
        var chunks: [Chunk] = []
        var start = 0
        while start < spans.count {
            // Fewer where the part alone has other tokens than in the text.
            var room = maxLength - extra
            while true {
                let end = Self.end(of: room, from: start, spans, bytes)
                let first = chunks.isEmpty ? 0 : spans[start].range.lowerBound
                let last = end == spans.count ? bytes.count : spans[end].range.lowerBound
                let encoding = try encode(String(decoding: bytes[first..<max(first, last)], as: UTF8.self))
                if encoding.count <= maxLength {
                    chunks.append(Chunk(encoding: encoding, weight: max(1, encoding.count - extra)))
                    start = end
                    break
                }
                guard room > 1 else { throw tooLong(encoding, at: place()) }
                room = max(1, min(room, end - start) - (encoding.count - maxLength))
            }
        }
        return chunks
    }

    /// Where a chunk ends: before a word if one begins in it.
    private static func end(of room: Int, from start: Int, _ spans: [TokenSpan], _ bytes: [UInt8]) -> Int {
        let end = min(start + room, spans.count)
        guard end < spans.count else { return end }
        func beginsWord(_ index: Int) -> Bool {
            let byte = spans[index].range.lowerBound
            func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
            return byte > 0 && (isSpace(bytes[byte - 1]) || isSpace(bytes[byte]))
        }
        // A character's tokens stay together, too.
        func beginsCharacter(_ index: Int) -> Bool {
            spans[index - 1].range.upperBound <= spans[index].range.lowerBound
        }
        return (start + 1...end).last(where: beginsWord) ?? (start + 1...end).last(where: beginsCharacter)
            ?? end
    }
}
