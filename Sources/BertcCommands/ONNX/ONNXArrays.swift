import GraphCompiler
import ONNX

extension ONNXElement {
    /// What NumPy calls the type; for those that it has not, the type in which they are written.
    var numpyType: String {
        switch self {
        case .float, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1,
            .float8e8m0:
            "f4"
        case .double: "f8"
        case .float16: "f2"
        case .int8, .int4, .int2: "i1"
        case .uint8, .uint4, .uint2: "u1"
        case .int16: "i2"
        case .uint16: "u2"
        case .int32: "i4"
        case .uint32: "u4"
        case .int64: "i8"
        case .uint64: "u8"
        case .bool: "b1"
        case .string, .complex64, .complex128: "V1"
        }
    }
}

extension NumpyArray {
    /// The array as a tensor of the graph for an input of this type.
    ///
    /// - Throws: `CommandError` for elements of another type.
    func tensor(for element: ONNXElement, named name: String, file: String) throws -> TensorData {
        try check(element, name, file)
        guard let carrier = element.carrier else { throw CommandError(.badData, "\(file): holds no numbers") }
        var result: [UInt8] = []
        func append(_ value: some BitwiseCopyable) {
            withUnsafeBytes(of: value) { result.append(contentsOf: $0) }
        }
        if carrier == .f32,
            type == "f4" || carrier == .f16 && type == "f2" || carrier == .i32 && type == "i4"
                || carrier == .i64 && (type == "i8" || type == "u8") || carrier == .bool && type == "b1"
        {
            return try TensorData(element: carrier, shape: shape, bytes: bytes)
        }
        if let floats {
            for number in floats {
                if carrier == .f32 { append(Float(number)) }
                if carrier == .f16 { append(Float16(number)) }
                if carrier == .bf16 {
                    let bits = Float(number).bitPattern
                    append(
                        number.isNaN
                            ? UInt16(0x7FC0)
                            : UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ bits >> 16 & 1) >> 16))
                }
            }
        } else {
            for number in integers ?? [] {
                if carrier == .i32 { append(Int32(truncatingIfNeeded: number)) }
                if carrier == .i64 { append(Int64(number)) }
                if carrier == .bool { append(UInt8(number == 0 ? 0 : 1)) }
            }
        }
        return try TensorData(element: carrier, shape: shape, bytes: result)
    }

    /// The array as numbers that are known when the graph is compiled.
    func known(for element: ONNXElement, named name: String, file: String) throws -> KnownTensor {
        try check(element, name, file)
        if let integers { return KnownTensor(element, shape: shape, integers: integers) }
        return KnownTensor(element, shape: shape, floats: floats ?? [])
    }

    private func check(_ element: ONNXElement, _ name: String, _ file: String) throws {
        guard type == element.numpyType else {
            throw CommandError(
                .badData,
                "\(file): holds \(type), and the input \(name) takes \(element.name), which is \(element.numpyType) in NumPy"
            )
        }
    }

    /// A tensor that a graph gave, in the type that the file says.
    package init(_ tensor: TensorData, as element: ONNXElement) {
        var result: [UInt8] = []
        func append(_ value: some BitwiseCopyable) {
            withUnsafeBytes(of: value) { result.append(contentsOf: $0) }
        }
        let own = tensor.element
        let count = tensor.bytes.count / own.byteCount
        func load<T>(_ index: Int, as: T.Type) -> T {
            tensor.bytes.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
            }
        }
        let type = element.numpyType
        for index in 0..<count {
            if own.isFloat {
                let number: Float =
                    own == .f32
                    ? load(index, as: Float.self)
                    : own == .f16
                        ? Float(load(index, as: Float16.self))
                        : Float(bitPattern: UInt32(load(index, as: UInt16.self)) << 16)
                if type == "f4" { append(number) }
                if type == "f8" { append(Double(number)) }
                if type == "f2" { append(Float16(number)) }
            } else {
                let number =
                    own == .bool
                    ? Int(tensor.bytes[index])
                    : own == .i32 ? Int(load(index, as: Int32.self)) : Int(load(index, as: Int64.self))
                withUnsafeBytes(of: number) {
                    result.append(
                        contentsOf: $0.prefix(own == .bool ? 1 : type.last.flatMap { Int(String($0)) } ?? 8))
                }
            }
        }
        self.init(type: type, shape: tensor.shape, bytes: result)
    }
}
