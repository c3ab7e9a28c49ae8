import Foundation
import Support
import Synchronization

/// The bytes of one input file, known to be valid UTF-8, with the path that error messages name.
///
/// Files that gzip compressed are decompressed, whatever their name. `-` is standard input.
struct SourceFile {
    /// What messages call the file.
    let path: String
    /// The contents without a leading byte-order mark.
    let bytes: [UInt8]
    /// Whether the same contents can be read again: not so of standard input and of pipes.
    let isRepeatable: Bool

    /// Reads the whole file and checks that it is UTF-8.
    ///
    /// - Parameter expected: what the file should hold, for the message when it is not there.
    /// - Throws: `FileError` when it cannot be read, `TextError` when it is not text.
    init(path: String, expected: String) throws {
        let name = DataPath.name(of: path)
        var (bytes, isRepeatable) = try FileBytes.read(path, name: name, expected: expected)
        if Gzip.isGzip(bytes) { bytes = try Gzip.decompress(bytes, path: name) }
        if let refusal = ForeignFormat.refusal(of: bytes) {
            throw TextError(.unknownFormat, file: name, refusal)
        }
        if let offset = SourceFile.firstInvalidUTF8(in: bytes) {
            let line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
            throw TextError(
                .invalidUTF8, file: name, line: line,
                "invalid UTF-8 at byte offset \(offset); save the file as UTF-8")
        }
        self.path = name
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        self.bytes = Self.withNewlines(bytes)
        self.isRepeatable = isRepeatable
    }

    /// Without any `\n`, `\r` is what ends the lines, as old systems have it.
    private static func withNewlines(_ bytes: [UInt8]) -> [UInt8] {
        let (newline, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
        guard !bytes.contains(newline), bytes.contains(carriageReturn) else { return bytes }
        return bytes.map { $0 == carriageReturn ? newline : $0 }
    }

    /// A file that is not read but will be written.
    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
        isRepeatable = true
    }

    /// The lines without their terminators: `\n` ends a line, and one `\r` before it is dropped.
    ///
    /// A terminator at the end of the file does not start another line.
    var lines: [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let hasReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
            lines.append(bytes[start..<(hasReturn ? end - 1 : end)])
            start = end + 1
        }
        return lines
    }

    /// The contents as one JSON document; the error names the line and the byte.
    func json(repeatedNames: JSONParser.RepeatedNames = .refused) throws(TextError) -> JSONValue {
        do {
            return try JSONParser(bytes[...], repeatedNames: repeatedNames).document().value
        } catch {
            throw TextError(
                .invalidJSON, file: path, line: error.line,
                "not valid JSON at byte offset \(error.offset): \(error.reason)")
        }
    }

    /// The offset of the first byte that does not belong to a well-formed UTF-8 sequence.
    private static func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .error: return offset
            case .emptyInput: return nil
            }
        }
    }
}

/// What the path of a data file means.
package enum DataPath {
    /// The path that stands for standard input.
    package static let standardInput = "-"

    /// What messages call the file.
    package static func name(of path: String) -> String {
        path == standardInput ? "standard input" : path
    }

    /// Whether a file can be read more than once: standard input and pipes cannot.
    package static func isRepeatable(_ path: String) -> Bool {
        var status = stat()
        guard path != standardInput, stat(path, &status) == 0 else { return path != standardInput }
        return status.st_mode & S_IFMT == S_IFREG
    }

    /// The ending of a file's name in lower case, without that of its compression: `tsv` of `x.TSV.gz`.
    static func ending(of path: String) -> String {
        let name = path as NSString
        let ending = name.pathExtension.lowercased()
        return ending == "gz" ? (name.deletingPathExtension as NSString).pathExtension.lowercased() : ending
    }
}

/// Reads files of any kind, pipes included.
private enum FileBytes {
    /// Standard input can be read once; a second reader would find it empty.
    private static let standardInputIsRead = Mutex(false)

    static func read(
        _ path: String, name: String, expected: String
    ) throws(FileError) -> (bytes: [UInt8], isRepeatable: Bool) {
        if path == DataPath.standardInput {
            let wasRead = standardInputIsRead.withLock { isRead in
                defer { isRead = true }
                return isRead
            }
            guard !wasRead else {
                throw FileError(
                    unreadable: name, message: "has already been read; it can stand for one file only")
            }
            return ([UInt8](try readStandardInput()), false)
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR {
                throw .missing(name, expected: expected)
            }
            throw .system(.read, name)
        }
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFDIR else {
            throw FileError(unreadable: name, message: "is a directory; expected \(expected)")
        }
        return ([UInt8](try readFile(path)), kind == S_IFREG)
    }
}

extension String {
    /// Makes a string from bytes already known to be UTF-8.
    init(utf8 bytes: some Sequence<UInt8> & Collection<UInt8>) {
        self.init(decoding: bytes, as: UTF8.self)
    }

    /// The order of code points, which does not depend on the locale or on normalisation.
    func precedesByCodePoint(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
