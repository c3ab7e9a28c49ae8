/// FNV-1a over words of eight bytes, little-endian, the last one filled up with zeros, and the length at the end. It
/// finds damage and changes, not forgeries, at about the speed of memory.
package struct ContentHash: Equatable, Sendable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    private mutating func mix(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01B3 }

    /// Adds one run of bytes. The same bytes in several runs hash to something else.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let whole = bytes.count / 8
        for index in 0..<whole {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
        }
        var rest: UInt64 = 0
        for index in (whole * 8)..<bytes.count { rest = rest << 8 | UInt64(bytes[index]) }
        if bytes.count % 8 > 0 { mix(rest) }
        mix(UInt64(bytes.count))
    }

    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }
}
