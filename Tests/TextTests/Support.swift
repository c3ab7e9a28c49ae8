import Foundation
import Support
import Testing
import Text

/// Places that the tests read from and write to.
enum Place {
    /// The directory with Package.swift.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static func fixture(_ name: String) -> String {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)").path
    }

    /// Files of the fetched model and data set, which are not part of the repository.
    static func data(_ name: String) -> String { root + "/data/" + name }

    /// Whether all these files are there; says so when a test will be skipped for the lack of one.
    static func has(_ names: String...) -> Bool {
        guard let missing = names.first(where: { !FileManager.default.fileExists(atPath: data($0)) }) else {
            return true
        }
        print("skipped: data/\(missing) is not there; the demo fetches it")
        return false
    }
}

/// The CRC-32 of zlib.
struct CRC32 {
    private var state: UInt32 = .max
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
    }

    var value: UInt32 { ~state }

    mutating func add(_ byte: UInt8) {
        state = CRC32.table[Int(truncatingIfNeeded: state) & 0xFF ^ Int(byte)] ^ (state >> 8)
    }

    mutating func add(_ id: Int32) {
        for shift in [0, 8, 16, 24] { add(UInt8(truncatingIfNeeded: id >> Int32(shift))) }
    }
}

/// Runs `body`, which must throw a `TextError`, and returns it.
func textError(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws -> TextError {
    try #require(throws: TextError.self, sourceLocation: location, performing: body)
}

/// Runs `body`, which must throw a `FileError`, and returns it.
func fileError(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws -> FileError {
    try #require(throws: FileError.self, sourceLocation: location, performing: body)
}

/// The tokeniser of a directory or file, which must be a WordPiece one.
func pipelineTokenizer(_ path: String) throws -> PipelineTokenizer {
    try #require(TokenizerSource(contentsOf: path).tokenizer() as? PipelineTokenizer)
}

extension TokenSpan {
    /// Start and end in code points, as Hugging Face has them.
    func offsets(in text: String) -> [Int] {
        [range.lowerBound, range.upperBound].map { place in
            text.unicodeScalars.distance(
                from: text.startIndex, to: text.utf8.index(text.startIndex, offsetBy: place))
        }
    }
}
