/// Decoding and encoding of single scalars in text that is known to be valid UTF-8.
enum UTF8Scalar {
    /// The scalar whose first byte is at `position`, and how many bytes it takes.
    @inline(__always)
    static func decode(
        _ text: UnsafeBufferPointer<UInt8>, at position: Int
    ) -> (scalar: Unicode.Scalar, length: Int) {
        let lead = UInt32(text[position])
        func continuation(_ index: Int) -> UInt32 { UInt32(text[position + index]) & 0x3F }
        let value: UInt32
        let length: Int
        switch lead {
        case 0..<0x80: (value, length) = (lead, 1)
        case 0x80..<0xE0: (value, length) = ((lead & 0x1F) << 6 | continuation(1), 2)
        case 0xE0..<0xF0:
            (value, length) = ((lead & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3)
        default:
            let high = (lead & 0x07) << 18 | continuation(1) << 12
            (value, length) = (high | continuation(2) << 6 | continuation(3), 4)
        }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// The one to four bytes of `scalar`.
    @inline(__always)
    static func bytes(of scalar: Unicode.Scalar) -> Unicode.UTF8.EncodedScalar {
        UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    }

    /// Where the scalar starts that the byte at `place` belongs to.
    static func start(of place: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var start = place
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// Calls `body` with each scalar and where it starts.
    @inline(__always)
    static func forEach(in text: UnsafeBufferPointer<UInt8>, _ body: (Unicode.Scalar, Int) -> Void) {
        var position = 0
        while position < text.count {
            let (scalar, length) = decode(text, at: position)
            body(scalar, position)
            position += length
        }
    }

}
