import Foundation
import Support

/// Writes safetensors files: beside the destination and renamed, tensor by tensor from the caller's memory.
package enum SafetensorsWriter {
    /// Takes the next bytes of the tensor that is being written.
    package typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    /// Writes a file with `tensors`.
    ///
    /// The data is laid out as the reference implementation does it, widest element type first and then by name, so
    /// the same tensors give the same bytes whatever their order.
    /// - Parameters:
    ///   - tensors: names, types and shapes.
    ///   - metadata: the header's `__metadata__`; Hugging Face wants `format` to be `pt`.
    ///   - url: the destination.
    ///   - provide: called once per tensor in file order; it hands the tensor's little-endian bytes to the sink, in
    ///     one piece or several.
    /// - Throws: `SafetensorsError`, and what `provide` throws. Nothing is changed on disk then.
    package static func write(
        _ tensors: [SafetensorsEntry], metadata: [String: String] = ["format": "pt"], to url: URL,
        provide: (SafetensorsEntry, @escaping Sink) throws -> Void
    ) throws {
        let ordered = tensors.sorted { ($1.dataType.bits, $0.name) < ($0.dataType.bits, $1.name) }
        let header = try header(ordered, metadata: metadata, file: url.path)
        let file = try AtomicFile(replacing: url)
        try header.withUnsafeBytes { try file.write($0) }
        for tensor in ordered {
            var written = 0
            try provide(tensor) { bytes in
                written += bytes.count
                try file.write(bytes)
            }
            guard written == tensor.byteCount else {
                throw SafetensorsError.badTensor(
                    file: url.path, tensor: tensor.name,
                    reason: "was given \(written) bytes, expected \(tensor.byteCount ?? 0)")
            }
        }
        try file.commit()
    }

    /// Length and JSON of the header, padded with spaces to a multiple of 8 so that the data is aligned.
    private static func header(
        _ tensors: [SafetensorsEntry], metadata: [String: String], file: String
    ) throws -> Data {
        let metadata = metadata.map { ($0.key, JSONValue.string($0.value)) }
        var entries: [(String, JSONValue)] = [("__metadata__", .object(JSONObject(metadata).sorted))]
        var names: Set<TextKey> = ["__metadata__"]
        var offset = 0
        for tensor in tensors {
            guard let bytes = tensor.byteCount else {
                throw SafetensorsError.badTensor(
                    file: file, tensor: tensor.name, reason: "has the impossible shape \(tensor.shape)")
            }
            guard names.insert(TextKey(tensor.name)).inserted else {
                throw SafetensorsError.badTensor(
                    file: file, tensor: tensor.name, reason: "is given twice, or has the format's own name")
            }
            let members: JSONObject = [
                "data_offsets": .array([.integer(offset), .integer(offset + bytes)]),
                "dtype": .string(tensor.dataType.rawValue),
                "shape": .array(tensor.shape.map(JSONValue.integer)),
            ]
            entries.append((tensor.name, .object(members)))
            offset += bytes
        }
        var text = Data(JSONValue.object(JSONObject(entries).sorted).text(.compact).utf8)
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        var length = UInt64(text.count).littleEndian
        return withUnsafeBytes(of: &length) { Data($0) } + text
    }
}
