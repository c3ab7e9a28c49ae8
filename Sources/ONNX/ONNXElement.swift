import GraphIR

/// The element types of ONNX tensors (`TensorProto.DataType`), and the type of a graph that carries each.
public enum ONNXElement: Int, Hashable, Sendable, CaseIterable {
    case float = 1
    case uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64
    case complex64, complex128, bfloat16
    case float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz
    case uint4, int4, float4e2m1, float8e8m0, uint2, int2

    /// The name that ONNX gives the type, in lower case.
    public var name: String { "\(self)" }

    /// The element type of a graph that holds all values of this one, or nearly: `double` is computed in `f32`, and `uint64` in
    /// `i64`, where numbers of 2^63 and more do not fit. `nil` for strings and complex numbers.
    public var carrier: ElementType? {
        switch self {
        case .float, .double, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1,
            .float8e8m0:
            .f32
        case .float16: .f16
        case .bfloat16: .bf16
        case .int8, .uint8, .int16, .uint16, .int32, .int4, .uint4, .int2, .uint2: .i32
        case .int64, .uint32, .uint64: .i64
        case .bool: .bool
        case .string, .complex64, .complex128: nil
        }
    }

    /// The range of an integer type; `nil` for other types, and for `uint64` that of `int64`.
    var integerRange: ClosedRange<Int>? {
        switch self {
        case .int2: -2...1
        case .uint2: 0...3
        case .int4: -8...7
        case .uint4: 0...15
        case .int8: -128...127
        case .uint8: 0...255
        case .int16: -32768...32767
        case .uint16: 0...65535
        case .int32: Int(Int32.min)...Int(Int32.max)
        case .uint32: 0...Int(UInt32.max)
        case .int64, .uint64: Int.min...Int.max
        case .float, .string, .bool, .float16, .double, .complex64, .complex128, .bfloat16, .float8e4m3fn,
            .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1, .float8e8m0:
            nil
        }
    }

    var isInteger: Bool { integerRange != nil }

    /// Whether the type is a real number that is not an integer.
    var isFloat: Bool { carrier?.isFloat ?? false }

    /// Whether numbers of the carrier must be brought into the type's range after arithmetic.
    var wraps: Bool {
        switch self {
        case .int2, .uint2, .int4, .uint4, .int8, .uint8, .int16, .uint16, .uint32: true
        case .float, .int32, .int64, .uint64, .string, .bool, .float16, .double, .complex64, .complex128,
            .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1,
            .float8e8m0:
            false
        }
    }

    /// Bits of one element in a file's raw data; `nil` for strings.
    var bitCount: Int? {
        switch self {
        case .uint2, .int2: 2
        case .uint4, .int4, .float4e2m1: 4
        case .uint8, .int8, .bool, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0:
            8
        case .uint16, .int16, .float16, .bfloat16: 16
        case .float, .int32, .uint32: 32
        case .int64, .uint64, .double, .complex64: 64
        case .complex128: 128
        case .string: nil
        }
    }

    /// Mantissa bits, the lowest exponent of a normal number, and the largest finite number, of the small float types.
    var smallFloat: (mantissa: Int, lowest: Int, largest: Double, hasInfinity: Bool)? {
        switch self {
        case .float8e4m3fn: (3, -6, 448, false)
        case .float8e4m3fnuz: (3, -7, 240, false)
        case .float8e5m2: (2, -14, 57344, true)
        case .float8e5m2fnuz: (2, -15, 57344, false)
        case .float4e2m1: (1, 0, 6, false)
        case .float, .uint8, .int8, .uint16, .int16, .int32, .int64, .string, .bool, .float16, .double,
            .uint32,
            .uint64, .complex64, .complex128, .bfloat16, .uint4, .int4, .float8e8m0, .uint2, .int2:
            nil
        }
    }
}
