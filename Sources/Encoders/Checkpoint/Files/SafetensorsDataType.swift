/// The element types of the safetensors format, under the format's own names.
public enum SafetensorsDataType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f8E5M2 = "F8_E5M2"
    case f8E4M3 = "F8_E4M3"
    case f8E8M0 = "F8_E8M0"
    case f8E5M2FNUZ = "F8_E5M2FNUZ"
    case f8E4M3FNUZ = "F8_E4M3FNUZ"
    case f6E3M2 = "F6_E3M2"
    case f6E2M3 = "F6_E2M3"
    case f4 = "F4"
    case c64 = "C64"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"

    /// Bits per element; elements of less than a byte are packed.
    public var bits: Int {
        switch self {
        case .f64, .i64, .u64, .c64: 64
        case .f32, .i32, .u32: 32
        case .f16, .bf16, .i16, .u16: 16
        case .f8E5M2, .f8E4M3, .f8E8M0, .f8E5M2FNUZ, .f8E4M3FNUZ, .i8, .u8, .bool: 8
        case .f6E3M2, .f6E2M3: 6
        case .f4: 4
        }
    }

    /// Whether weights of this type are read as such.
    package var isWeight: Bool { [.f64, .f32, .f16, .bf16].contains(self) }
}

/// Name, type and shape of one tensor in a safetensors file.
public struct SafetensorsEntry: Sendable, Equatable {
    public let name: String
    public let dataType: SafetensorsDataType
    /// Extents, outermost first; empty for a scalar.
    public let shape: [Int]

    public init(name: String, dataType: SafetensorsDataType, shape: [Int]) {
        self.name = name
        self.dataType = dataType
        self.shape = shape
    }

    /// Number of elements. The shape must not overflow, which reading and writing check.
    public var count: Int { shape.reduce(1, *) }

    /// Bytes of data, or nil when the shape has a negative extent or overflows, or ends within a byte.
    package var byteCount: Int? {
        var bits = dataType.bits
        for extent in shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { return nil }
            bits = product
        }
        return bits % 8 == 0 ? bits / 8 : nil
    }
}
