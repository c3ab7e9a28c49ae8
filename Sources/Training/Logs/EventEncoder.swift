/// The bytes of TensorBoard's event files, written by hand: small protocol-buffer messages in TFRecord frames.
///
/// ```
/// message Event      { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
///                      SessionLog session_log = 7; }
/// message Summary    { repeated Value value = 1; }
/// message Value      { string tag = 1; float simple_value = 2; }
/// message SessionLog { enum SessionStatus { START = 1; } SessionStatus status = 1; }
/// ```
/// A frame is the length (u64), its masked CRC-32C, the message, and the message's masked CRC-32C, little-endian.
enum EventEncoder {
    /// The event that starts every file.
    static func version(wallTime: Double) -> [UInt8] {
        frame(field(1, bits: wallTime.bitPattern) + field(3, bytes: Array("brain.Event:2".utf8)))
    }

    /// The event that says that a run begins with this step: TensorBoard forgets what earlier files have of it and of
    /// later ones, as with `purge_step` of PyTorch's `SummaryWriter`.
    static func start(step: Int, wallTime: Double) -> [UInt8] {
        frame(
            field(1, bits: wallTime.bitPattern) + field(2, varint: UInt64(step))
                + field(7, bytes: field(1, varint: 1)))
    }

    /// One event with any number of scalars.
    static func scalars(_ values: [(tag: String, value: Double)], step: Int, wallTime: Double) -> [UInt8] {
        let summary = values.flatMap { tag, value in
            field(1, bytes: field(1, bytes: Array(tag.utf8)) + field(2, bits: Float(value).bitPattern))
        }
        let message =
            field(1, bits: wallTime.bitPattern) + field(2, varint: UInt64(step)) + field(5, bytes: summary)
        return frame(message)
    }

    private static func frame(_ message: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(message.count))
        return length + littleEndian(CRC32C.masked(length)) + message + littleEndian(CRC32C.masked(message))
    }

    // MARK: Fields: a key of number and wire type, then the value

    private static func field(_ number: UInt64, varint value: UInt64) -> [UInt8] {
        varint(number << 3) + varint(value)
    }

    private static func field(_ number: UInt64, bits: UInt64) -> [UInt8] {
        varint(number << 3 | 1) + littleEndian(bits)
    }

    private static func field(_ number: UInt64, bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func field(_ number: UInt64, bits: UInt32) -> [UInt8] {
        varint(number << 3 | 5) + littleEndian(bits)
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
