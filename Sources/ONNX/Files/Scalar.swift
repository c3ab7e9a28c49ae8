import GraphIR

/// One element that is known when the graph is compiled.
enum Scalar: Hashable {
    case int(Int)
    case float(Double)
    /// An extent that depends on a symbol.
    case extent(Dimension)

    init(_ dimension: Dimension) {
        self = dimension.fixedExtent.map(Scalar.int) ?? .extent(dimension)
    }

    var int: Int? { if case .int(let value) = self { value } else { nil } }

    /// The number, if it is one.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .float(let value): value
        case .extent: nil
        }
    }

    /// The element as an extent of a shape.
    var dimension: Dimension? {
        switch self {
        case .int(let value): .fixed(value)
        case .extent(let dimension): dimension
        case .float: nil
        }
    }
}

/// A tensor whose elements are known when the graph is compiled.
public struct KnownTensor: Hashable {
    /// The element type in ONNX.
    public let element: ONNXElement
    /// Extents, outermost first.
    public let shape: [Int]
    let values: [Scalar]

    init(_ element: ONNXElement, _ shape: [Int], _ values: [Scalar]) {
        (self.element, self.shape, self.values) = (element, shape, values)
    }

    init(_ element: ONNXElement, _ shape: [Int], ints: [Int]) {
        self.init(element, shape, ints.map(Scalar.int))
    }

    /// Integers or booleans, row-major.
    public init(_ element: ONNXElement, shape: [Int], integers: [Int]) {
        self.init(element, shape, integers.map(Scalar.int))
    }

    /// Floats, row-major.
    public init(_ element: ONNXElement, shape: [Int], floats: [Double]) {
        self.init(element, shape, floats.map(Scalar.float))
    }

    /// The elements as integers; `nil` when one is not.
    var ints: [Int]? {
        let ints = values.compactMap(\.int)
        return ints.count == values.count ? ints : nil
    }

    var numbers: [Double]? {
        let numbers = values.compactMap(\.number)
        return numbers.count == values.count ? numbers : nil
    }
}

extension ONNXElement {
    /// What the bits of an element mean.
    func scalar(_ bits: UInt64) -> Scalar {
        switch self {
        case .float: .float(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
        case .double: .float(Double(bitPattern: bits))
        case .float16: .float(Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits))))
        case .bfloat16: .float(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16)))
        case .int8: .int(Int(Int8(truncatingIfNeeded: bits)))
        case .uint8: .int(Int(UInt8(truncatingIfNeeded: bits)))
        case .int16: .int(Int(Int16(truncatingIfNeeded: bits)))
        case .uint16: .int(Int(UInt16(truncatingIfNeeded: bits)))
        case .int32: .int(Int(Int32(truncatingIfNeeded: bits)))
        case .uint32: .int(Int(UInt32(truncatingIfNeeded: bits)))
        case .int64, .uint64: .int(Int(truncatingIfNeeded: bits))
        case .bool: .int(bits & 0xFF == 0 ? 0 : 1)
        case .int4: .int(Int(Int8(truncatingIfNeeded: bits << 4)) >> 4)
        case .uint4: .int(Int(bits & 15))
        case .int2: .int(Int(Int8(truncatingIfNeeded: bits << 6)) >> 6)
        case .uint2: .int(Int(bits & 3))
        case .float8e8m0: .float(bits & 0xFF == 0xFF ? .nan : power(Int(bits & 0xFF) - 127))
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1:
            .float(smallNumber(bits))
        case .string, .complex64, .complex128: .int(0)
        }
    }

    /// A number of one of the small float types.
    private func smallNumber(_ bits: UInt64) -> Double {
        guard let format = smallFloat, let size = bitCount else { return .nan }
        let exponentBits = size - 1 - format.mantissa
        let sign: Double = bits >> UInt64(size - 1) & 1 == 1 ? -1 : 1
        let exponent = Int(bits >> UInt64(format.mantissa)) & (1 << exponentBits - 1)
        let mantissa = Int(bits) & (1 << format.mantissa - 1)
        switch self {
        case .float8e4m3fn where exponent == 15 && mantissa == 7: return .nan
        case .float8e5m2 where exponent == 31: return mantissa == 0 ? sign * .infinity : .nan
        case .float8e4m3fnuz where bits & 0xFF == 0x80, .float8e5m2fnuz where bits & 0xFF == 0x80: return .nan
        default: break
        }
        let unit = power(format.lowest - format.mantissa)
        return exponent == 0
            ? sign * Double(mantissa) * unit
            : sign * Double(mantissa + 1 << format.mantissa) * unit * power(exponent - 1)
    }
}

extension ElementType {
    /// Numbers as little-endian bytes of this type.
    func bytes(_ values: [Scalar]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * byteCount)
        func append(_ bits: some FixedWidthInteger) {
            withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for value in values {
            let number = value.number ?? 0
            let integer = value.int ?? Int(exactly: number.rounded(.towardZero)) ?? 0
            if self == .f32 { append(Float(number).bitPattern) }
            if self == .f16 { append(Float16(number).bitPattern) }
            if self == .bf16 {
                let bits = Float(number).bitPattern
                append(UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ bits >> 16 & 1) >> 16))
            }
            if self == .i32 { append(Int32(truncatingIfNeeded: integer)) }
            if self == .i64 { append(Int64(integer)) }
            if self == .bool { append(UInt8(number == 0 ? 0 : 1)) }
        }
        return bytes
    }
}
