import CZlib
import Foundation
import Support

/// Reads gzip (RFC 1952): one or more members, one after another.
enum Gzip {
    static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

    /// The bytes that were compressed.
    ///
    /// - Throws: `.damagedFile` for data that end too early or do not agree with their checksum.
    static func decompress(_ bytes: [UInt8], path: String) throws -> [UInt8] {
        var input = bytes
        var output: [UInt8] = []
        var used = 0
        repeat {
            used += try member(&input, from: used, into: &output, path: path)
        } while isGzip(Array(input[used...].prefix(2)))
        // Zeros pad the blocks of a tape; anything else was another member, or never belonged to the file.
        guard input[used...].allSatisfy({ $0 == 0 }) else {
            throw TextError(
                .damagedFile, file: path,
                "is not intact gzip data: \(input.count - used) bytes from offset \(used) on are something else; "
                    + "fetch or copy the file again")
        }
        return output
    }

    /// Appends what one member holds, and returns how many bytes it takes up.
    private static func member(
        _ input: inout [UInt8], from start: Int, into output: inout [UInt8], path: String
    ) throws -> Int {
        var stream = z_stream()
        guard czlib_inflate_gzip(&stream) == Z_OK else {
            throw FileError(.read, path, String(cString: strerror(ENOMEM)))
        }
        defer { inflateEnd(&stream) }
        let chunk = 1 << 18
        var position = start
        while true {
            let available = min(input.count - position, 1 << 30)
            var status = Z_OK
            let produced = input.withUnsafeMutableBufferPointer { source in
                stream.next_in = source.baseAddress.map { $0 + position }
                stream.avail_in = UInt32(available)
                return [UInt8](unsafeUninitializedCapacity: chunk) { target, count in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(chunk)
                    status = inflate(&stream, Z_NO_FLUSH)
                    count = chunk - Int(stream.avail_out)
                }
            }
            position += available - Int(stream.avail_in)
            output += produced
            if status == Z_STREAM_END { return position - start }
            guard status == Z_OK else {
                let isCut = status == Z_BUF_ERROR && position == input.count
                throw TextError(
                    .damagedFile, file: path,
                    isCut
                        ? "ends in the middle of its compressed data; fetch or copy the whole file again"
                        : "is not intact gzip data: \(stream.msg.map { String(cString: $0) } ?? "error \(status)"); "
                            + "fetch or copy the file again")
            }
        }
    }
}
