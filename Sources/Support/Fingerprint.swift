/// FNV-1a in 64 bits: a fingerprint that is the same in every process and version. It finds damage and changes, not
/// forgeries.
///
/// What counts as one step of the hash is the caller's choice, and part of what is fingerprinted: a byte, a number, or a
/// word of eight bytes where speed matters.
package struct Fingerprint: Equatable, Sendable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    /// The fingerprint of a text's UTF-8, byte by byte.
    package init(of text: String) { add(text.utf8) }

    /// Adds bytes, one step per byte.
    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { mix(UInt64(byte)) }
    }

    /// Adds numbers, one step per number.
    package mutating func add(_ numbers: some Sequence<Int32>) {
        for number in numbers { mix(UInt64(UInt32(bitPattern: number))) }
    }

    /// Adds one run of bytes as little-endian words of eight bytes, the last one filled up with zeros, and their count:
    /// about as fast as memory. The same bytes in several runs hash to something else.
    package mutating func addWords(_ bytes: UnsafeRawBufferPointer) {
        let whole = bytes.count / 8
        for index in 0..<whole {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
        }
        var rest: UInt64 = 0
        for index in (whole * 8)..<bytes.count { rest = rest << 8 | UInt64(bytes[index]) }
        if bytes.count % 8 > 0 { mix(rest) }
        mix(UInt64(bytes.count))
    }

    /// Adds a text's UTF-8 as one run of words.
    package mutating func addWords(_ text: String) {
        var text = text
        text.withUTF8 { addWords(UnsafeRawBufferPointer($0)) }
    }

    private mutating func mix(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01B3 }

    /// Sixteen hexadecimal digits.
    package var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
