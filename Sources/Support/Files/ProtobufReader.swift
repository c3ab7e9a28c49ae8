/// Reads messages of Protocol Buffers: fields with a number and a value. What a field holds is a part of the bytes, not a copy.
package struct ProtobufReader<Bytes: RandomAccessCollection<UInt8>>
where Bytes.SubSequence == Bytes, Bytes.Index == Int {
    package enum Value {
        case number(UInt64)
        case bytes(Bytes)
        /// A little-endian number of 32 or 64 bits.
        case fixed(UInt64)
    }

    private var rest: Bytes

    package init(_ bytes: Bytes) { rest = bytes }

    /// The next field; `nil` at the end.
    ///
    /// - Throws: `ProtobufDamage` for bytes that are no message.
    package mutating func next() throws(ProtobufDamage) -> (field: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try varint()
        guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw ProtobufDamage() }
        let field = Int(key >> 3)
        switch key & 7 {
        case 0: return (field, .number(try varint()))
        case 1: return (field, .fixed(try fixed(8)))
        case 2:
            let count = try varint()
            guard count <= UInt64(rest.count) else { throw ProtobufDamage() }
            defer { rest = rest.dropFirst(Int(count)) }
            return (field, .bytes(rest.prefix(Int(count))))
        case 5: return (field, .fixed(try fixed(4)))
        default: throw ProtobufDamage()
        }
    }

    /// Whether all has been read.
    package var isAtEnd: Bool { rest.isEmpty }

    /// A number of 7 bits a byte, as packed lists hold them.
    package mutating func varint() throws(ProtobufDamage) -> UInt64 {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { throw ProtobufDamage() }
            if shift < 64 { result |= UInt64(byte & 0x7F) << shift }
            if byte < 0x80 { return result }
        }
        throw ProtobufDamage()
    }

    /// A little-endian number of so many bytes.
    package mutating func fixed(_ count: Int) throws(ProtobufDamage) -> UInt64 {
        guard rest.count >= count else { throw ProtobufDamage() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The message breaks off or is none.
package struct ProtobufDamage: Error { package init() {} }
