import Foundation
import Support

/// The parsed and checked header of a safetensors file.
///
/// Layout of a file: 8 bytes of header length N (little-endian), N bytes of JSON, then the data. The JSON maps each
/// tensor's name to `{"dtype", "shape", "data_offsets": [begin, end]}`, offsets counted from the end of the header,
/// and `__metadata__` to an object of strings. Tensors cover the data without holes or overlaps.
struct SafetensorsHeader {
    /// Tensors in the order of their data.
    let entries: [SafetensorsEntry]
    /// For each entry, the bytes of the file that hold its data.
    let ranges: [Range<Int>]
    /// `__metadata__`.
    let metadata: [String: String]

    /// The longest header that is accepted, as in the reference implementation.
    static let longestHeader = 100_000_000

    /// Parses and checks the header of `bytes`, the contents of `file`.
    /// - Throws: `SafetensorsError`.
    init(of bytes: UnsafeRawBufferPointer, file: String) throws {
        let start = try Self.dataStart(of: bytes, file: file)
        let object = try Self.object(in: bytes[8..<start], file: file)
        var found: [(entry: SafetensorsEntry, offsets: Range<Int>)] = []
        var metadata: [String: String] = [:]
        for (name, value) in object.members {
            if name == "__metadata__" {
                metadata = try Self.metadata(value, file: file)
            } else {
                found.append(try Self.tensor(name, value, file: file))
            }
        }
        found.sort {
            ($0.offsets.lowerBound, $0.offsets.upperBound, $0.entry.name)
                < ($1.offsets.lowerBound, $1.offsets.upperBound, $1.entry.name)
        }
        try Self.checkLayout(found, dataStart: start, fileSize: bytes.count, file: file)
        self.entries = found.map(\.entry)
        self.ranges = found.map { $0.offsets.lowerBound + start..<$0.offsets.upperBound + start }
        self.metadata = metadata
    }

    /// Reads the header's length and returns where the data starts.
    private static func dataStart(of bytes: UnsafeRawBufferPointer, file: String) throws -> Int {
        guard bytes.count >= 8 else {
            throw SafetensorsError.badHeader(
                file: file,
                reason: "it has \(bytes.count) bytes, expected at least the 8 of the header length")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(longestHeader) else {
            throw SafetensorsError.badHeader(
                file: file, reason: "header length \(length) exceeds the limit of \(longestHeader) bytes")
        }
        guard Int(length) <= bytes.count - 8 else {
            throw SafetensorsError.badHeader(
                file: file,
                reason: "header length \(length) exceeds the \(bytes.count - 8) bytes that follow it")
        }
        return 8 + Int(length)
    }

    private static func object(in text: Slice<UnsafeRawBufferPointer>, file: String) throws -> JSONObject {
        do {
            let value = try JSONValue(parsing: text)
            guard case .object(let object) = value else {
                throw SafetensorsError.badHeader(
                    file: file, reason: "the header is \(value.kind), expected an object")
            }
            return object
        } catch let error as JSONError {
            throw SafetensorsError.badHeader(file: file, reason: "the header is \(error)")
        }
    }

    private static func metadata(_ value: JSONValue, file: String) throws -> [String: String] {
        guard case .object(let object) = value else {
            throw SafetensorsError.badHeader(
                file: file, reason: "__metadata__ is \(value.kind), expected an object")
        }
        var metadata: [String: String] = [:]
        for (name, item) in object.members {
            guard case .string(let text) = item else {
                throw SafetensorsError.badHeader(
                    file: file, reason: "__metadata__ holds \(item.kind), expected strings")
            }
            metadata[name] = text
        }
        return metadata
    }

    /// Decodes one tensor's entry and checks that its byte count fits its shape.
    private static func tensor(
        _ name: String, _ value: JSONValue, file: String
    ) throws -> (entry: SafetensorsEntry, offsets: Range<Int>) {
        func bad(_ reason: String) -> SafetensorsError {
            .badTensor(file: file, tensor: name, reason: reason)
        }
        guard case .object(let fields) = value else { throw bad("is \(value.kind), expected an object") }
        guard case .string(let typeName)? = fields["dtype"] else { throw bad("has no dtype") }
        guard let type = SafetensorsDataType(rawValue: typeName) else {
            let legal = SafetensorsDataType.allCases.map(\.rawValue).joined(separator: ", ")
            throw bad("has dtype \(typeName), expected one of \(legal)")
        }
        guard let shape = integers(fields["shape"]) else { throw bad("has no shape of integers") }
        guard let offsets = integers(fields["data_offsets"]), offsets.count == 2,
            0 <= offsets[0], offsets[0] <= offsets[1]
        else { throw bad("has no data_offsets [begin, end] with 0 <= begin <= end") }
        let entry = SafetensorsEntry(name: name, dataType: type, shape: shape)
        guard let expected = entry.byteCount else { throw bad("has the impossible shape \(shape)") }
        let actual = offsets[1] - offsets[0]
        guard actual == expected else {
            throw bad("has \(actual) bytes of data, expected \(expected) for \(typeName) of shape \(shape)")
        }
        return (entry, offsets[0]..<offsets[1])
    }

    /// Checks that the tensors, sorted by offset, tile the data exactly.
    private static func checkLayout(
        _ tensors: [(entry: SafetensorsEntry, offsets: Range<Int>)], dataStart: Int, fileSize: Int,
        file: String
    ) throws {
        var end = 0
        var previous = "the header"
        for (entry, offsets) in tensors {
            let relation = offsets.lowerBound < end ? "overlaps" : "leaves a hole after"
            guard offsets.lowerBound == end else {
                throw SafetensorsError.badTensor(
                    file: file, tensor: entry.name,
                    reason: "\(relation) '\(previous)': it begins at byte \(offsets.lowerBound) of the data, "
                        + "expected \(end)")
            }
            let (needed, overflow) = offsets.upperBound.addingReportingOverflow(dataStart)
            guard !overflow, needed <= fileSize else {
                throw SafetensorsError.truncated(
                    file: file, tensor: entry.name, expectedBytes: overflow ? .max : needed,
                    actualBytes: fileSize)
            }
            end = offsets.upperBound
            previous = entry.name
        }
        guard dataStart + end == fileSize else {
            throw SafetensorsError.badHeader(
                file: file,
                reason: "\(fileSize - dataStart - end) bytes follow the last tensor, expected none")
        }
    }

    private static func integers(_ value: JSONValue?) -> [Int]? {
        guard case .array(let items)? = value else { return nil }
        var integers: [Int] = []
        for item in items {
            guard let integer = item.integer else { return nil }
            integers.append(integer)
        }
        return integers
    }
}
