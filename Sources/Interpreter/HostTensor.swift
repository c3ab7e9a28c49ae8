import GraphIR

/// A tensor in plain memory: row-major elements, each held as a `Double` whatever the element type.
///
/// Integers are exact up to 2^53; bool is 0 or 1.
package struct HostTensor: Sendable, Equatable {
    package var element: ElementType
    package var shape: [Int]
    /// `shape`'s product many values.
    package var values: [Double]

    package init(element: ElementType, shape: [Int], values: [Double]) {
        self.element = element
        self.shape = shape
        self.values = values
    }

    /// An f32 tensor; a vector when no shape is given.
    package init(_ values: [Float], shape: [Int]? = nil) {
        self.init(element: .f32, shape: shape ?? [values.count], values: values.map(Double.init))
    }

    /// An i32 tensor; a vector when no shape is given.
    package init(_ values: [Int32], shape: [Int]? = nil) {
        self.init(element: .i32, shape: shape ?? [values.count], values: values.map(Double.init))
    }

    /// A bool tensor; a vector when no shape is given.
    package init(_ values: [Bool], shape: [Int]? = nil) {
        self.init(element: .bool, shape: shape ?? [values.count], values: values.map { $0 ? 1 : 0 })
    }

    /// A tensor without axes.
    package static func scalar(_ value: Double, _ element: ElementType = .f32) -> HostTensor {
        HostTensor(element: element, shape: [], values: [value])
    }

    /// Every element is `value`.
    package static func filled(_ value: Double, _ element: ElementType, _ shape: [Int]) -> HostTensor {
        HostTensor(element: element, shape: shape, values: Array(repeating: value, count: shape.reduce(1, *)))
    }

    /// The generator state that dropout reads: i64[2] holding (seed, step).
    package static func rng(seed: Int, step: Int) -> HostTensor {
        HostTensor(element: .i64, shape: [2], values: [Double(seed), Double(step)])
    }

    /// The same tensor with every value as its element type holds it.
    package var rounded: HostTensor {
        HostTensor(element: element, shape: shape, values: values.map(element.rounded))
    }

    package var floats: [Float] { values.map(Float.init) }
}

// MARK: Bytes

extension HostTensor {
    /// The elements as little-endian bytes of the element type, row-major; values are rounded to it.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * element.byteCount)
        func append(_ bits: some FixedWidthInteger) {
            withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for value in values {
            switch element {
            case .f32: append(Float(value).bitPattern)
            case .bf16: append(ElementType.bf16Bits(value))
            case .f16: append(Float16(value).bitPattern)
            case .i8: append(Int8(clamping: ElementType.saturatingInt(value)))
            case .i32: append(Int32(clamping: ElementType.saturatingInt(value)))
            case .i64: append(Int64(ElementType.saturatingInt(value)))
            case .bool: append(UInt8(value == 0 ? 0 : 1))
            }
        }
        return bytes
    }

    /// The tensor whose little-endian elements are `bytes`; throws when their number does not fit the shape.
    package init(element: ElementType, shape: [Int], bytes: [UInt8]) throws(InterpreterError) {
        let count = shape.reduce(1, *)
        guard bytes.count == count * element.byteCount else {
            throw InterpreterError(
                "\(element.rawValue)\(shape) takes \(count * element.byteCount) bytes, got \(bytes.count)")
        }
        func bits<T: FixedWidthInteger>(_ index: Int, as type: T.Type) -> T {
            bytes.withUnsafeBytes {
                T(littleEndian: $0.loadUnaligned(fromByteOffset: index * element.byteCount, as: T.self))
            }
        }
        let values = (0..<count).map { index -> Double in
            switch element {
            case .f32: Double(Float(bitPattern: bits(index, as: UInt32.self)))
            case .bf16: Double(Float(bitPattern: UInt32(bits(index, as: UInt16.self)) << 16))
            case .f16: Double(Float16(bitPattern: bits(index, as: UInt16.self)))
            case .i8: Double(bits(index, as: Int8.self))
            case .i32: Double(bits(index, as: Int32.self))
            case .i64: Double(bits(index, as: Int64.self))
            case .bool: bytes[index] == 0 ? 0 : 1
            }
        }
        self.init(element: element, shape: shape, values: values)
    }
}
