import GraphIR

extension ElementType {
    /// Writes one number in this format.
    package func write(_ value: Double, to memory: UnsafeMutableRawPointer, at index: Int) {
        let place = memory + index * byteCount
        switch self {
        case .f32: place.storeBytes(of: Float(value), as: Float.self)
        case .f16: place.storeBytes(of: Float16(value), as: Float16.self)
        case .bf16: place.storeBytes(of: Self.roundedToBF16(Float(value)), as: UInt16.self)
        case .i8: place.storeBytes(of: Int8(value), as: Int8.self)
        case .i32: place.storeBytes(of: Int32(value), as: Int32.self)
        case .i64: place.storeBytes(of: Int64(value), as: Int64.self)
        case .bool: place.storeBytes(of: value != 0 ? 1 : 0, as: UInt8.self)
        }
    }

    /// Round to nearest, ties to even.
    private static func roundedToBF16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        guard !value.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
}
