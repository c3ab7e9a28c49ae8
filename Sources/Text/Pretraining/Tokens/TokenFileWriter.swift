import Foundation
import Support

/// Collects tokenised documents and writes them as a `TokenFile`.
struct TokenFileWriter {
    private let idSize: Int
    /// First sentence of each document that has ended, then of the current one.
    private var documents: [UInt64] = [0]
    /// First token of each sentence, then the number of tokens.
    private var sentences: [UInt64] = [0]
    private var ids: [UInt8] = []

    init(idSize: Int) { self.idSize = idSize }

    var hasDocuments: Bool { documents.count > 1 }

    /// Adds a sentence to the current document.
    mutating func add(_ tokens: [Int32]) {
        guard !tokens.isEmpty else { return }
        for token in tokens {
            withUnsafeBytes(of: UInt32(bitPattern: token).littleEndian) {
                ids.append(contentsOf: $0.prefix(idSize))
            }
        }
        sentences.append(UInt64(ids.count / idSize))
    }

    /// Ends the current document, if it has sentences.
    mutating func endDocument() {
        let count = UInt64(sentences.count - 1)
        if documents[documents.count - 1] < count { documents.append(count) }
    }

    /// Writes the file beside its place and renames it.
    func write(to path: String, sources: UInt64, tokenizer: UInt64) throws {
        let numbers: [UInt64] = [
            UInt64(TokenFile.version) | UInt64(idSize) << 32, sources, tokenizer,
            UInt64(documents.count - 1), UInt64(sentences.count - 1), UInt64(ids.count / idSize),
        ]
        var header = TokenFile.magic
        for number in numbers { withUnsafeBytes(of: number.littleEndian) { header += $0 } }
        let parts = [header, Self.bytes(documents), Self.bytes(sentences), ids]
        var hash = Fingerprint()
        for part in parts { part.withUnsafeBytes { hash.addWords($0) } }
        var file = Data(capacity: parts.reduce(8) { $0 + $1.count })
        file.append(contentsOf: header)
        withUnsafeBytes(of: hash.value.littleEndian) { file.append(contentsOf: $0) }
        for part in parts.dropFirst() { file.append(contentsOf: part) }
        let url = URL(file: path)
        let directory = path.parentPath
        if !directory.isEmpty { try makeDirectory(directory) }
        try AtomicFile.write(file, to: url)
    }

    private static func bytes(_ numbers: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 * numbers.count)
        for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
        return bytes
    }
}
