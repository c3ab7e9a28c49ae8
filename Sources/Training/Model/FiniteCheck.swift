import GraphCompiler

extension ParameterStore {
    /// The first of the parameters that holds NaN or an infinity. One pass over memory, which is a small part of what
    /// writing it to a disk takes.
    func firstNotFinite(of names: [String]) -> String? {
        names.first { name in
            withBytes(name) { hasNotFinite($0, type(of: name)?.element ?? .f32) } ?? false
        }
    }
}

/// Whether little-endian numbers of f32 or bf16, which need not be aligned, have NaN or an infinity among them.
func hasNotFinite(_ bytes: UnsafeRawBufferPointer, _ element: ElementType) -> Bool {
    element == .bf16
        ? hasNotFinite(bytes, infinity: UInt16(0x7F80)) : hasNotFinite(bytes, infinity: UInt32(0x7F80_0000))
}

private func hasNotFinite<Pattern: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, infinity: Pattern
) -> Bool {
    // Without the sign, the patterns of finite numbers are all less than infinity's.
    let size = MemoryLayout<Pattern>.size
    var largest: Pattern = 0
    for offset in stride(from: 0, to: bytes.count & ~(size - 1), by: size) {
        largest = max(
            largest, bytes.loadUnaligned(fromByteOffset: offset, as: Pattern.self) & (Pattern.max >> 1))
    }
    return largest >= infinity
}
