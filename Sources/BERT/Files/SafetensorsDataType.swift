/// The element types of the safetensors format that are read here, under the format's own names.
public enum SafetensorsDataType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u8 = "U8"
    case bool = "BOOL"

    /// Bytes per element.
    public var size: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }
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

    /// Bytes of data, or nil when the shape has a negative extent or overflows.
    package var byteCount: Int? {
        var bytes = dataType.size
        for extent in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { return nil }
            bytes = product
        }
        return bytes
    }
}
