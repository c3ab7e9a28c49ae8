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

    /// Appends the one to four bytes of `scalar`.
    static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
}
