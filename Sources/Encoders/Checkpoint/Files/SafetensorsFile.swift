import Foundation
import GraphIR
import Support

/// A safetensors file, memory-mapped: opening it reads and checks the header only, and a tensor's pages are read
/// when it is.
///
/// ```swift
/// let file = try SafetensorsFile(url)
/// let weight = try file.floats(named: "classifier.weight")
/// ```
package final class SafetensorsFile: Sendable {
    /// The path that errors name.
    package let path: String
    /// Every tensor, in the order of its data.
    package let entries: [SafetensorsEntry]
    /// The `__metadata__` of the header.
    package let metadata: [String: String]

    private let contents: MappedFile
    private let ranges: [Range<Int>]
    private let indices: [TextKey: Int]

    /// Maps the file and checks its header: lengths, types, shapes and offsets.
    /// - Throws: `SafetensorsError` naming the file and the tensor at fault.
    package init(_ url: URL) throws {
        path = url.path
        contents = try MappedFile(path: path)
        let header = try SafetensorsHeader(of: contents.bytes, file: path)
        entries = header.entries
        ranges = header.ranges
        metadata = header.metadata
        let pairs = entries.enumerated().map { (TextKey($1.name), $0) }
        indices = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// The entry of that name; nil when the file has none.
    package func entry(named name: String) -> SafetensorsEntry? { indices[TextKey(name)].map { entries[$0] } }

    /// Calls `body` with the tensor's own bytes in the mapping, which need not be aligned. They are valid inside
    /// `body` only.
    /// - Throws: `SafetensorsError.noSuchTensor`, and what `body` throws.
    package func withBytes<Result>(
        named name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let index = try index(of: name)
        // Else a file that stays open would come to take as much memory as its tensors.
        defer { contents.forget(ranges[index]) }
        return try withExtendedLifetime(contents) {
            try body(UnsafeRawBufferPointer(rebasing: contents.bytes[ranges[index]]))
        }
    }

    /// The tensor's elements, row-major, as Float. Real and integer types of whole bytes are converted (I64, U64 and F64
    /// round to nearest).
    /// - Throws: `SafetensorsError.noSuchTensor`, or `wrongType` for F8, F6, F4 and C64.
    package func floats(named name: String) throws -> [Float] {
        let count = entries[try index(of: name)].count
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try copyFloats(named: name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// The same of a tensor of weights.
    /// - Throws: also `SafetensorsError.notFinite` when one of them is NaN or infinite.
    package func finiteFloats(named name: String) throws -> [Float] {
        var floats = try floats(named: name)
        try floats.withUnsafeMutableBufferPointer { try check($0, named: name) }
        return floats
    }

    /// Writes the elements of a tensor of weights into `target`.
    /// - Throws: also `SafetensorsError.notFinite` when one of them is NaN or infinite.
    package func copyFiniteFloats(
        named name: String, into target: UnsafeMutableBufferPointer<Float>
    ) throws {
        try copyFloats(named: name, into: target)
        try check(target, named: name)
    }

    private func check(_ floats: UnsafeMutableBufferPointer<Float>, named name: String) throws {
        guard let bad = floats.first(where: { !$0.isFinite }) else { return }
        throw SafetensorsError.notFinite(file: path, tensor: name, value: bad)
    }

    /// Writes the tensor's elements as Float into `target`, without an array between.
    /// - Precondition: `target` holds as many elements as the tensor.
    /// - Throws: as `floats(named:)`.
    package func copyFloats(named name: String, into target: UnsafeMutableBufferPointer<Float>) throws {
        let entry = entries[try index(of: name)]
        precondition(target.count == entry.count, "copyFloats: target and tensor '\(name)' differ in size")
        try withBytes(named: name) { bytes in
            switch entry.dataType {
            case .f32: UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
            case .f64: convert(bytes, Double.self, into: target) { Float($0) }
            case .f16: convert(bytes, UInt16.self, into: target) { Float(Float16(bitPattern: $0)) }
            case .bf16: convert(bytes, UInt16.self, into: target) { Float(bitPattern: UInt32($0) << 16) }
            case .i64: convert(bytes, Int64.self, into: target) { Float($0) }
            case .i32: convert(bytes, Int32.self, into: target) { Float($0) }
            case .i16: convert(bytes, Int16.self, into: target) { Float($0) }
            case .i8: convert(bytes, Int8.self, into: target) { Float($0) }
            case .u64: convert(bytes, UInt64.self, into: target) { Float($0) }
            case .u32: convert(bytes, UInt32.self, into: target) { Float($0) }
            case .u16: convert(bytes, UInt16.self, into: target) { Float($0) }
            case .u8: convert(bytes, UInt8.self, into: target) { Float($0) }
            case .bool: convert(bytes, UInt8.self, into: target) { $0 == 0 ? 0 : 1 }
            case .f8E5M2, .f8E4M3, .f8E8M0, .f8E5M2FNUZ, .f8E4M3FNUZ, .f6E3M2, .f6E2M3, .f4, .c64:
                throw SafetensorsError.wrongType(
                    file: path, tensor: name, found: entry.dataType, wanted: "F32, F16, BF16 or F64")
            }
        }
    }

    /// The elements of a tensor of an integer type.
    /// - Throws: `SafetensorsError` when there is no such tensor or its type is a floating-point one.
    package func integers(named name: String) throws -> [Int] {
        let entry = entries[try index(of: name)]
        return try withBytes(named: name) { bytes in
            switch entry.dataType {
            case .i64: elements(bytes, Int64.self)
            case .i32: elements(bytes, Int32.self)
            case .i16: elements(bytes, Int16.self)
            case .i8: elements(bytes, Int8.self)
            case .u32: elements(bytes, UInt32.self)
            case .u16: elements(bytes, UInt16.self)
            case .u8, .bool: elements(bytes, UInt8.self)
            case .u64, .f64, .f32, .f16, .bf16, .f8E5M2, .f8E4M3, .f8E8M0, .f8E5M2FNUZ, .f8E4M3FNUZ, .f6E3M2,
                .f6E2M3, .f4, .c64:
                throw SafetensorsError.wrongType(
                    file: path, tensor: name, found: entry.dataType,
                    wanted: "an integer type of at most 63 bits")
            }
        }
    }

    private func index(of name: String) throws -> Int {
        if let index = indices[TextKey(name)] { return index }
        let nearest = nearestName(to: name, among: entries.map(\.name))
        throw SafetensorsError.noSuchTensor(file: path, tensor: name, nearest: nearest)
    }
}

/// Reads little-endian elements that may be unaligned and stores each as a Float.
private func convert<Element: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ type: Element.Type, into target: UnsafeMutableBufferPointer<Float>,
    _ asFloat: (Element) -> Float
) {
    for index in target.indices {
        let element = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.size, as: type)
        target[index] = asFloat(element)
    }
}

/// Little-endian integers that may be unaligned.
private func elements<Element: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ type: Element.Type
) -> [Int] {
    stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size).map {
        Int(bytes.loadUnaligned(fromByteOffset: $0, as: type))
    }
}
