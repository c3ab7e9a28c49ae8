/// GPT-2's alphabet of bytes: a visible character for each of them, so that a vocabulary of bytes is one of texts.
///
/// Printable Latin-1 stands for itself; the other bytes are U+0100 on, in order.
enum ByteAlphabet {
    /// The characters' UTF-8; those of a single byte have 0 as the second.
    static let encoded: [(UInt8, UInt8)] = scalars.map { scalar in
        let bytes = Array(UTF8Scalar.bytes(of: scalar))
        return (bytes[0], bytes.count > 1 ? bytes[1] : 0)
    }

    /// The characters by byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0..<256).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(UInt8(byte))
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? "?"
            }
        }
    }()

    private static let bytes = Dictionary(
        uniqueKeysWithValues: zip(scalars, (0..<256).map { UInt8($0) }))

    /// The byte that a character stands for.
    static func byte(of scalar: Unicode.Scalar) -> UInt8? { bytes[scalar] }

    /// Appends the characters for the bytes of a part of a text.
    @inline(__always)
    static func write<Text: PipelineText>(_ range: Range<Int>, of text: Text, into output: inout Text) {
        encoded.withUnsafeBufferPointer { encoded in
            text.bytes.withUnsafeBufferPointer { bytes in
                for place in range {
                    let (first, second) = encoded[Int(bytes[place])]
                    output.append(first, from: place, of: text)
                    if second != 0 { output.append(second, from: place, of: text) }
                }
            }
        }
    }
}
