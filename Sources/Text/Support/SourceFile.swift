import Foundation
import Support

/// The bytes of one input file, known to be valid UTF-8, with the path that error messages name.
struct SourceFile {
    let path: String
    /// The contents without a leading byte-order mark.
    let bytes: [UInt8]

    /// Reads the whole file and checks that it is UTF-8.
    ///
    /// - Parameter expected: what the file should hold, for the message when it is not there.
    init(path: String, expected: String) throws(TextError) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw TextError(.missingFile, file: path, "no such file; expected \(expected)")
        }
        guard !isDirectory.boolValue else {
            throw TextError(.unreadableFile, file: path, "is a directory; expected \(expected)")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TextError(.unreadableFile, file: path, "cannot be read; check its permissions")
        }
        let bytes = [UInt8](data)
        if let offset = SourceFile.firstInvalidUTF8(in: bytes) {
            let line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
            throw TextError(
                .invalidUTF8, file: path, line: line,
                "invalid UTF-8 at byte offset \(offset); save the file as UTF-8")
        }
        self.path = path
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    /// A file that is not read but will be written.
    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
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
