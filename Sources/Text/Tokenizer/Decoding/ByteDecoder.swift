/// Decoders of tokens that stand for bytes. Bytes that are no UTF-8 become U+FFFD.
enum ByteDecoder {
    /// The text of tokens in GPT-2's alphabet of bytes; a token with another character is a text.
    static func text(ofByteLevel tokens: [String]) -> String {
        var bytes: [UInt8] = []
        for token in tokens {
            let own = token.unicodeScalars.map(ByteAlphabet.byte)
            bytes += own.contains(nil) ? Array(token.utf8) : own.compactMap(\.self)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Puts texts in the place of runs of tokens such as `<0xC3>`.
    static func joiningBytes(in tokens: [String]) -> [String] {
        var result: [String] = []
        var bytes: [UInt8] = []
        func flush() {
            guard !bytes.isEmpty else { return }
            if let text = String(validating: bytes, as: UTF8.self) {
                result.append(text)
            } else {
                result += bytes.map { _ in "\u{FFFD}" }
            }
            bytes = []
        }
        for token in tokens {
            if let byte = byte(of: token) {
                bytes.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }

    private static func byte(of token: String) -> UInt8? {
        let utf8 = Array(token.utf8)
        guard utf8.count == 6, utf8.starts(with: "<0x".utf8), utf8[5] == UInt8(ascii: ">") else { return nil }
        return UInt8(String(utf8: utf8[3..<5]), radix: 16)
    }
}
