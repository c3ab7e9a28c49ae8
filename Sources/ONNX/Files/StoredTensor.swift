import Foundation
import GraphIR
import Support

/// A tensor of the file with its numbers in place: in the mapped model, or in a mapped file beside it.
final class StoredTensor {
    let name: String
    let element: ONNXElement
    let shape: [Int]
    /// The type of the graph that holds the numbers.
    let carrier: ElementType
    private let content: TensorProto.Content
    /// Little-endian elements as ONNX lays them out; `nil` for lists of the message.
    private let raw: UnsafeRawBufferPointer?
    /// Keeps the mapping alive.
    private let files: [MappedFile]

    var count: Int { shape.reduce(1, *) }

    /// - Throws: `ONNXError` for a tensor whose numbers are not there, or not as many as its shape says.
    init(_ proto: TensorProto, in model: MappedFile, external: ExternalFiles) throws {
        name = proto.name
        shape = proto.shape
        content = proto.content
        let subject = "the tensor \"\(proto.name)\""
        guard let element = ONNXElement(rawValue: proto.elementNumber) else {
            throw ONNXError.invalid("\(subject) has the unknown element type \(proto.elementNumber)")
        }
        guard let carrier = element.carrier, let bits = element.bitCount else {
            throw ONNXError.unsupported(
                "\(subject) holds elements of the type \(element.name), which no graph has")
        }
        (self.element, self.carrier) = (element, carrier)
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow, product <= 1 << 40 else {
                throw ONNXError.invalid("\(subject) has the impossible shape \(proto.shape)")
            }
            count = product
        }
        let byteCount = (count * bits + 7) / 8
        func check(_ given: Int, _ expected: Int, _ unit: String) throws {
            guard given == expected else {
                throw ONNXError.invalid(
                    "\(subject) of shape \(proto.shape) has \(given) \(unit), expected \(expected)")
            }
        }
        var files = [model]
        switch proto.content {
        case .raw(let bytes):
            try check(bytes.count, byteCount, "bytes")
            raw = UnsafeRawBufferPointer(rebasing: bytes)
        case .external(let location, let offset, let length):
            let file = try external.file(location, of: subject)
            files.append(file)
            let length = length ?? byteCount
            try check(length, byteCount, "bytes")
            guard offset <= file.bytes.count, length <= file.bytes.count - offset else {
                throw ONNXError.invalid(
                    "\(subject) lies at bytes \(offset) to \(offset + length) of \(location), which has \(file.bytes.count)"
                )
            }
            raw = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<(offset + length)])
        case .ints(let list):
            raw = nil
            // Numbers of less than a byte are packed in lists as in raw data, which nobody writes into lists of 32 bits
            // other than a byte at a time.
            try check(list.count, bits < 8 ? byteCount : count, "numbers")
        case .floats(let list):
            raw = nil
            guard element == .float else {
                throw ONNXError.invalid("\(subject) has its numbers in the wrong list")
            }
            try check(list.count, count, "numbers")
        case .doubles(let list):
            raw = nil
            guard element == .double else {
                throw ONNXError.invalid("\(subject) has its numbers in the wrong list")
            }
            try check(list.count, count, "numbers")
        case .strings, .none:
            raw = nil
            try check(0, count, "numbers")
        }
        self.files = files
    }

    /// The elements as numbers.
    var values: [Scalar] {
        (0..<count).map { element.scalar(bits($0)) }
    }

    /// The bits of an element in its own type.
    private func bits(_ index: Int) -> UInt64 {
        let size = element.bitCount ?? 8
        if size < 8 {
            let perByte = 8 / size
            let byte: UInt64
            if let raw {
                byte = UInt64(raw[index / perByte])
            } else if case .ints(let list) = content {
                byte = UInt64(truncatingIfNeeded: list[index / perByte])
            } else {
                byte = 0
            }
            return byte >> UInt64(index % perByte * size) & (1 << UInt64(size) - 1)
        }
        if let raw {
            let place = index * size / 8
            switch size {
            case 8: return UInt64(raw[place])
            case 16:
                return UInt64(UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
            case 32:
                return UInt64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
            default: return UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            }
        }
        switch content {
        case .ints(let list): return UInt64(truncatingIfNeeded: list[index])
        case .floats(let list), .doubles(let list): return list[index]
        case .raw, .strings, .external, .none: return 0
        }
    }

    /// Calls `body` with the elements as little-endian bytes of the carrier, in the file's own memory where they are that there.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let isOwn: Bool =
            switch element {
            case .float, .float16, .bfloat16, .int32, .int64, .bool: true
            default: false
            }
        if isOwn, let raw { return try body(raw) }
        let bytes = carrier.bytes(values)
        return try bytes.withUnsafeBytes(body)
    }
}

/// Files of tensors beside a model, each mapped once.
final class ExternalFiles {
    private let directory: String
    private var files: [String: MappedFile] = [:]

    init(besides path: String) {
        let parent = path.parentPath
        directory = parent.isEmpty ? "." : parent
    }

    /// - Throws: `ONNXError` for a path that leaves the model's directory, `FileError` for a file that can't be read.
    func file(_ location: String, of subject: String) throws -> MappedFile {
        if let file = files[location] { return file }
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard !location.isEmpty, !location.utf8.contains(0), !location.hasPrefix("/"), !parts.contains("..")
        else {
            throw outside(location, subject)
        }
        let path = "\(directory)/\(location)"
        if let real = realpath(path, nil), let root = realpath(directory, nil) {
            defer {
                free(real)
                free(root)
            }
            let inside = String(cString: root)
            guard String(cString: real).hasPrefix(inside == "/" ? "/" : inside + "/") else {
                throw outside(location, subject)
            }
        }
        let file = try MappedFile(path: path)
        files[location] = file
        return file
    }

    private func outside(_ location: String, _ subject: String) -> ONNXError {
        .invalid(
            "\(subject) lies in \(quotedJSON(location, limit: 80)), outside the model's directory; put the file beside the model"
        )
    }
}
