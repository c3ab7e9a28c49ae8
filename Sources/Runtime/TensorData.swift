import GraphIR

/// A tensor outside a graph: element type, shape and row-major little-endian bytes.
public struct TensorData: Hashable, Sendable {
    public let element: ElementType
    public let shape: [Int]
    public private(set) var bytes: [UInt8]

    public init(element: ElementType, shape: [Int], bytes: [UInt8]) {
        precondition(bytes.count == shape.reduce(element.byteCount, *), "bytes must fill the shape")
        self.element = element
        self.shape = shape
        self.bytes = bytes
    }

    /// `values` under `shape`; one axis when no shape is given.
    public init(_ values: [Float], shape: [Int]? = nil) {
        self.init(element: .f32, shape: shape ?? [values.count], bytes: Self.bytes(of: values))
    }

    public init(_ values: [Int32], shape: [Int]? = nil) {
        self.init(element: .i32, shape: shape ?? [values.count], bytes: Self.bytes(of: values))
    }

    public init(_ values: [Int64], shape: [Int]? = nil) {
        self.init(element: .i64, shape: shape ?? [values.count], bytes: Self.bytes(of: values))
    }

    public static func scalar(_ value: Float) -> TensorData { TensorData([value], shape: []) }

    /// Dropout's key: i64[2].
    public static func rng(seed: Int, step: Int) -> TensorData { TensorData([Int64(seed), Int64(step)]) }

    /// The elements of an f32 tensor.
    public var floats: [Float] {
        precondition(element == .f32, "the tensor is \(element.rawValue)")
        return Self.values(bytes)
    }

    /// The elements of an i32 tensor.
    public var integers: [Int32] {
        precondition(element == .i32, "the tensor is \(element.rawValue)")
        return Self.values(bytes)
    }

    /// The elements of an i64 tensor.
    var longs: [Int64] {
        precondition(element == .i64, "the tensor is \(element.rawValue)")
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
