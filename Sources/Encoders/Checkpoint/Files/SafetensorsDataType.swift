/// The element types of the safetensors format, under the format's own names.
public enum SafetensorsDataType: String, Sendable, CaseIterable {
    /// IEEE 754 numbers of 64 bits.
    case f64 = "F64"
    /// IEEE 754 numbers of 32 bits.
    case f32 = "F32"
    /// IEEE 754 numbers of 16 bits.
    case f16 = "F16"
    /// bfloat16.
    case bf16 = "BF16"
    /// Numbers of 8 bits, 5 of them exponent.
    case f8E5M2 = "F8_E5M2"
    /// Numbers of 8 bits, 4 of them exponent.
    case f8E4M3 = "F8_E4M3"
    /// Powers of two: 8 bits of exponent.
    case f8E8M0 = "F8_E8M0"
    /// `f8E5M2` without infinities and negative zero.
    case f8E5M2FNUZ = "F8_E5M2FNUZ"
    /// `f8E4M3` without infinities and negative zero.
    case f8E4M3FNUZ = "F8_E4M3FNUZ"
    /// Numbers of 6 bits, 3 of them exponent.
    case f6E3M2 = "F6_E3M2"
    /// Numbers of 6 bits, 2 of them exponent.
    case f6E2M3 = "F6_E2M3"
    /// Numbers of 4 bits.
    case f4 = "F4"
    /// Complex numbers of two f32.
    case c64 = "C64"
    /// Signed integers of 64 bits.
    case i64 = "I64"
    /// Signed integers of 32 bits.
    case i32 = "I32"
    /// Signed integers of 16 bits.
    case i16 = "I16"
    /// Signed integers of 8 bits.
    case i8 = "I8"
    /// Unsigned integers of 64 bits.
    case u64 = "U64"
    /// Unsigned integers of 32 bits.
    case u32 = "U32"
    /// Unsigned integers of 16 bits.
    case u16 = "U16"
    /// Unsigned integers of 8 bits.
    case u8 = "U8"
    /// One byte, 0 or 1.
    case bool = "BOOL"

    /// Bits per element; elements of less than a byte are packed.
    package var bits: Int {
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
package struct SafetensorsEntry: Sendable, Equatable {
    package let name: String
    package let dataType: SafetensorsDataType
    /// Extents, outermost first; empty for a scalar.
    package let shape: [Int]

    package init(name: String, dataType: SafetensorsDataType, shape: [Int]) {
        self.name = name
        self.dataType = dataType
        self.shape = shape
    }

    /// Number of elements. The shape must not overflow, which reading and writing check.
    package var count: Int { shape.reduce(1, *) }

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
