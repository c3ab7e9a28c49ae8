/// HF's `Strip`: drops the white space at the ends of a text.
struct StripNormalizer: Sendable, Equatable {
    let left: Bool
    let right: Bool

    func apply<Text: PipelineText>(to text: Text, into output: inout Text) {
        let range = text.bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            while left, start < bytes.count {
                let (scalar, length) = UTF8Scalar.decode(bytes, at: start)
                guard UnicodeClasses.isWhitespace(scalar) else { break }
                start += length
            }
            var end = bytes.count
            while right, end > start {
                let last = UTF8Scalar.start(of: end - 1, in: bytes)
                guard UnicodeClasses.isWhitespace(UTF8Scalar.decode(bytes, at: last).scalar) else { break }
                end = last
            }
            return start..<end
        }
        output.append(range, of: text)
    }
}
