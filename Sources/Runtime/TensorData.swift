import GraphIR

/// A tensor outside a graph: element type, shape and row-major little-endian bytes.
public struct TensorData: Hashable, Sendable {
    /// The type of the elements.
    public let element: ElementType
    /// Extents, outermost first; empty for a scalar.
    public let shape: [Int]
    /// The elements, row-major and little-endian.
    public private(set) var bytes: [UInt8]

    /// Bytes that fill `shape`, row-major and little-endian.
    ///
    /// - Throws: ``ExecutionError`` when an extent is negative or the number of bytes is not the shape's.
    public init(element: ElementType, shape: [Int], bytes: [UInt8]) throws(ExecutionError) {
        try Self.check(bytes.count / element.byteCount, bytes.count % element.byteCount, fill: shape)
        self.init(element, shape, bytes)
    }

    /// The same without a check, for callers in this module whose bytes come from a tensor of this type and shape.
    init(_ element: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
        self.element = element
        self.shape = shape
        self.bytes = bytes
    }

    /// An f32 vector, shape `[values.count]`.
    public init(_ values: [Float]) { self.init(.f32, [values.count], Self.bytes(of: values)) }

    /// An i32 vector, shape `[values.count]`.
    public init(_ values: [Int32]) { self.init(.i32, [values.count], Self.bytes(of: values)) }

    /// An i64 vector, shape `[values.count]`.
    public init(_ values: [Int64]) { self.init(.i64, [values.count], Self.bytes(of: values)) }

    /// `values` as an f32 tensor of `shape`, row-major.
    ///
    /// - Throws: ``ExecutionError`` when the shape does not hold exactly `values`.
    public init(_ values: [Float], shape: [Int]) throws(ExecutionError) {
        try Self.check(values.count, fill: shape)
        self.init(.f32, shape, Self.bytes(of: values))
    }

    /// `values` as an i32 tensor of `shape`, row-major.
    ///
    /// - Throws: ``ExecutionError`` when the shape does not hold exactly `values`.
    public init(_ values: [Int32], shape: [Int]) throws(ExecutionError) {
        try Self.check(values.count, fill: shape)
        self.init(.i32, shape, Self.bytes(of: values))
    }

    /// `values` as an i64 tensor of `shape`, row-major.
    ///
    /// - Throws: ``ExecutionError`` when the shape does not hold exactly `values`.
    public init(_ values: [Int64], shape: [Int]) throws(ExecutionError) {
        try Self.check(values.count, fill: shape)
        self.init(.i64, shape, Self.bytes(of: values))
    }

    /// An f32 tensor without axes.
    public static func scalar(_ value: Float) -> TensorData { TensorData(.f32, [], bytes(of: [value])) }

    /// The key of dropout's random numbers, i64[2], for an input `rng`.
    public static func rng(seed: Int, step: Int) -> TensorData { TensorData([Int64(seed), Int64(step)]) }

    /// The elements of an f32 tensor, row-major.
    ///
    /// - Throws: ``ExecutionError`` when the tensor has another element type.
    public var floats: [Float] { get throws(ExecutionError) { try values(.f32) } }

    /// The elements of an i32 tensor, row-major.
    ///
    /// - Throws: ``ExecutionError`` when the tensor has another element type.
    public var integers: [Int32] { get throws(ExecutionError) { try values(.i32) } }

    /// The elements of an i64 tensor, row-major.
    ///
    /// - Throws: ``ExecutionError`` when the tensor has another element type.
    var longs: [Int64] { get throws(ExecutionError) { try values(.i64) } }

    private static func check(_ count: Int, _ rest: Int = 0, fill shape: [Int]) throws(ExecutionError) {
        let (expected, overflow) = shape.reduce((1, false)) {
            let (product, overflow) = $0.0.multipliedReportingOverflow(by: $1)
            return (product, $0.1 || overflow)
        }
        guard !overflow, shape.allSatisfy({ $0 >= 0 }), expected == count, rest == 0 else {
            let bytes = rest == 0 ? "" : " and \(rest) bytes"
            throw ExecutionError(
                "a tensor of shape \(shape) does not hold \(count) elements\(bytes); give as many as its extents "
                    + "multiply to", at: "tensor")
        }
    }

    private func values<T: BitwiseCopyable>(_ expected: ElementType) throws(ExecutionError) -> [T] {
        guard element == expected else {
            throw ExecutionError(
                "the elements of a tensor of \(element.rawValue) were read as \(expected.rawValue); its `element` says "
                    + "what it holds", at: "tensor")
        }
        return Self.values(bytes)
    }

    private static func bytes<T: BitwiseCopyable>(of values: [T]) -> [UInt8] {
        values.withUnsafeBytes { [UInt8]($0) }
    }

    private static func values<T: BitwiseCopyable>(_ bytes: [UInt8]) -> [T] {
        let count = bytes.count / MemoryLayout<T>.stride
        return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            initialized = count
        }
    }
}
