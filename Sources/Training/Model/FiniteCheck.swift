import GraphCompiler

extension ParameterStore {
    /// The first of the parameters that holds NaN or an infinity. One pass over memory, which is a small part of what
    /// writing it to a disk takes.
    func firstNotFinite(of names: [String]) -> String? {
        names.first { withBytes($0) { hasNotFinite($0) } ?? false }
    }
}

/// Whether little-endian f32 numbers, which need not be aligned, have NaN or an infinity among them.
func hasNotFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // Without the sign, the patterns of finite numbers are all less than infinity's.
    var largest: UInt32 = 0
    for offset in stride(from: 0, to: bytes.count & ~3, by: 4) {
        largest = max(largest, bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) & 0x7FFF_FFFF)
    }
    return largest >= 0x7F80_0000
}
