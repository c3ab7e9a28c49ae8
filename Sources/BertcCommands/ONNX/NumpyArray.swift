import Foundation
import GraphCompiler
import Support

/// An array of a `.npy` file (numpy.lib.format), row-major and little-endian.
package struct NumpyArray {
    /// What NumPy calls the element type, without the order of bytes: `f4`, `i8`, `b1`.
    package let type: String
    package let shape: [Int]
    package let bytes: [UInt8]

    package init(type: String, shape: [Int], bytes: [UInt8]) {
        (self.type, self.shape, self.bytes) = (type, shape, bytes)
    }

    /// - Throws: `CommandError` for a file that is no such array.
    package init(contentsOf path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandError(.missingInput, "\(path): no such file; expected a NumPy array (.npy)")
        }
        func bad(_ problem: String) -> CommandError { CommandError(.badData, "\(path): \(problem)") }
        let data = [UInt8](try readFile(path))
        guard data.count >= 10, Array(data[..<6]) == [0x93] + Array("NUMPY".utf8), (1...3).contains(data[6])
        else {
            throw bad("is not a NumPy array; expected a file that numpy.save wrote")
        }
        let isLong = data[6] > 1
        let start = isLong ? 12 : 10
        guard data.count >= start else { throw bad("breaks off in its header") }
        let length = (0..<(isLong ? 4 : 2)).reduce(0) { $0 | Int(data[8 + $1]) << (8 * $1) }
        guard length <= data.count - start,
            let header = String(validating: data[start..<(start + length)], as: UTF8.self)
        else {
            throw bad("breaks off in its header")
        }
        func field(_ name: String, until ends: String) -> Substring? {
            guard let range = header.firstRange(of: "'\(name)':") else { return nil }
            let rest = header[range.upperBound...].drop { $0 == " " }
            return rest.prefix { !ends.contains($0) }
        }
        guard let order = field("fortran_order", until: ",}"), order.hasPrefix("False") else {
            throw bad("is in Fortran's order; save it row-major, with numpy.ascontiguousarray")
        }
        guard let description = field("descr", until: ",}"), description.count >= 4 else {
            throw bad("has no element type")
        }
        let text = description.filter { $0 != "'" && $0 != " " }
        guard let first = text.first, first != ">" else { throw bad("is big-endian; save it little-endian") }
        type = String("<|=".contains(first) ? text.dropFirst() : text[...])
        guard let extents = field("shape", until: ")")?.dropFirst() else { throw bad("has no shape") }
        shape = try extents.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }.map {
            guard let extent = Int($0), (0...1 << 40).contains(extent) else {
                throw bad("has the extent '\($0)'")
            }
            return extent
        }
        guard let size = type.last.flatMap({ Int(String($0)) }), size > 0 else {
            throw bad("has elements of the type '\(type)'; expected floats, integers or booleans")
        }
        var count = size
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw bad("has an impossible shape") }
            count = product
        }
        guard data.count - start - length == count else {
            throw bad(
                "has \(data.count - start - length) bytes of elements, and its shape \(shape) takes \(count)")
        }
        bytes = Array(data[(start + length)...])
    }

    /// The whole file.
    var file: Data {
        let order = type.hasSuffix("1") ? "|" : "<"
        let extents = shape.map { "\($0)," }.joined(separator: " ")
        var text = Array(
            "{'descr': '\(order)\(type)', 'fortran_order': False, 'shape': (\(shape.count > 1 ? String(extents.dropLast()) : extents)), }"
                .utf8)
        while (10 + text.count + 1) % 64 != 0 { text.append(UInt8(ascii: " ")) }
        text.append(UInt8(ascii: "\n"))
        return Data(
            [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + text
                + bytes)
    }

    // MARK: Numbers

    private var size: Int { type.last.flatMap { Int(String($0)) } ?? 1 }

    private func load<T>(_ index: Int, as: T.Type) -> T {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self) }
    }

    /// The elements as integers; `nil` for floats.
    package var integers: [Int]? {
        let indices = 0..<(bytes.count / size)
        switch type {
        case "b1": return indices.map { bytes[$0] == 0 ? 0 : 1 }
        case "i1": return indices.map { Int(Int8(bitPattern: bytes[$0])) }
        case "u1": return indices.map { Int(bytes[$0]) }
        case "i2": return indices.map { Int(load($0, as: Int16.self)) }
        case "u2": return indices.map { Int(load($0, as: UInt16.self)) }
        case "i4": return indices.map { Int(load($0, as: Int32.self)) }
        case "u4": return indices.map { Int(load($0, as: UInt32.self)) }
        case "i8", "u8": return indices.map { Int(load($0, as: Int64.self)) }
        default: return nil
        }
    }

    /// The elements as floats; `nil` for other types.
    package var floats: [Double]? {
        let indices = 0..<(bytes.count / size)
        switch type {
        case "f2": return indices.map { Double(load($0, as: Float16.self)) }
        case "f4": return indices.map { Double(load($0, as: Float.self)) }
        case "f8": return indices.map { load($0, as: Double.self) }
        default: return nil
        }
    }
}
