/// FNV-1a in 64 bits: a fingerprint that is the same in every process and version. It finds changes, not forgeries.
package struct Fingerprint: Equatable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package init(of text: String) { add(Array(text.utf8)) }

    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }

    /// Adds one step a number rather than one a byte.
    package mutating func add(_ numbers: some Sequence<Int32>) {
        for number in numbers {
            value = (value ^ UInt64(UInt32(bitPattern: number))) &* 0x0000_0100_0000_01B3
        }
    }

    /// Sixteen hexadecimal digits.
    package var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
