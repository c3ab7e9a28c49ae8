/// A PNG file of one bit a pixel (ISO/IEC 15948), stored without compression.
struct PNGImage {
    let bytes: [UInt8]

    /// Black where the picture has a kept pair, else white.
    init(_ picture: MaskPicture) {
        let width = (picture.size + 7) / 8
        var rows: [UInt8] = []
        for row in 0..<picture.size {
            // Each row starts with its filter: none.
            rows.append(0)
            for byte in 0..<width {
                rows.append((0..<8).reduce(0) { $0 << 1 | (picture[row, byte * 8 + $1] ? 0 : 1) })
            }
        }
        // Bit depth 1, greyscale, deflate, no filter method but the standard one, not interlaced.
        let header = Self.bigEndian(picture.size) + Self.bigEndian(picture.size) + [1, 0, 0, 0, 0]
        bytes =
            [0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A] + Self.chunk("IHDR", header)
            + Self.chunk("IDAT", Self.zlib(rows)) + Self.chunk("IEND", [])
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
        let content = Array(kind.utf8) + data
        return bigEndian(data.count) + content + bigEndian(Int(crc(content)))
    }

    /// CRC-32 with the reversed polynomial 0xEDB88320.
    private static func crc(_ data: [UInt8]) -> UInt32 {
        ~data.reduce(UInt32.max) { value, byte in
            (0..<8).reduce(value ^ UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }

    /// A zlib stream (RFC 1950) of stored blocks (RFC 1951).
    private static func zlib(_ data: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        let limit = 65535
        for start in stride(from: 0, to: data.count, by: limit) {
            let block = data[start..<min(start + limit, data.count)]
            let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
            stream += [start + limit >= data.count ? 1 : 0, low, high, ~low, ~high] + block
        }
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in data {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        return stream + bigEndian(Int(b << 16 | a))
    }
}
