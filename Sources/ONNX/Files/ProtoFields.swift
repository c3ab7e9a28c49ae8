import Foundation
import Support

/// A part of a mapped file.
typealias Bytes = Slice<UnsafeRawBufferPointer>

extension ProtobufReader<Bytes>.Value {
    /// A message or text; throws for a number.
    func message() throws(ProtobufDamage) -> Bytes {
        guard case .bytes(let bytes) = self else { throw ProtobufDamage() }
        return bytes
    }

    func text() throws(ProtobufDamage) -> String {
        guard let text = String(validating: try message(), as: UTF8.self) else { throw ProtobufDamage() }
        return text
    }

    func int() throws(ProtobufDamage) -> Int {
        guard case .number(let number) = self else { throw ProtobufDamage() }
        return Int(truncatingIfNeeded: number)
    }

    func float() throws(ProtobufDamage) -> Float {
        guard case .fixed(let bits) = self else { throw ProtobufDamage() }
        return Float(bitPattern: UInt32(truncatingIfNeeded: bits))
    }

    /// Appends a repeated number, which stands alone or in a packed list.
    func append(to list: inout [Int]) throws(ProtobufDamage) {
        switch self {
        case .number(let number): list.append(Int(truncatingIfNeeded: number))
        case .fixed: throw ProtobufDamage()
        case .bytes(let bytes):
            var reader = ProtobufReader(bytes)
            while !reader.isAtEnd { list.append(Int(truncatingIfNeeded: try reader.varint())) }
        }
    }

    /// Appends a repeated number of `size` bytes, as its bits.
    func append(to list: inout [UInt64], size: Int) throws(ProtobufDamage) {
        switch self {
        case .number: throw ProtobufDamage()
        case .fixed(let bits): list.append(bits)
        case .bytes(let bytes):
            var reader = ProtobufReader(bytes)
            while !reader.isAtEnd { list.append(try reader.fixed(size)) }
        }
    }
}

/// Calls `body` with each field of a message.
func readFields(
    _ bytes: Bytes, _ body: (Int, ProtobufReader<Bytes>.Value) throws(ProtobufDamage) -> Void
) throws(ProtobufDamage) {
    var reader = ProtobufReader(bytes)
    while let (field, value) = try reader.next() { try body(field, value) }
}
