import Foundation
import Support

/// Tokenised documents in one file, mapped into memory: nothing of a large corpus is loaded until it is used.
///
/// Layout, all numbers little-endian:
///
/// | bytes | what |
/// | --- | --- |
/// | 0..<8 | `BERTCTOK` |
/// | 8..<12 | version, 1 |
/// | 12..<16 | bytes of a token id, 2 or 4 |
/// | 16..<24 | hash of the texts and the settings that they were split with |
/// | 24..<32 | hash of the tokeniser |
/// | 32..<40, 40..<48, 48..<56 | documents d, sentences s, tokens t |
/// | 56..<64 | checksum: `Fingerprint` of bytes 0..<56, then of the three parts below |
/// | then | u64[d + 1]: the first sentence of each document, and s |
/// | then | u64[s + 1]: the first token of each sentence, and t |
/// | then | u16[t] or u32[t]: token ids |
package struct TokenFile: Sendable {
    static let magic = Array("BERTCTOK".utf8)
    static let version: UInt32 = 1
    static let headerSize = 64

    package let path: String
    /// Hashes of the texts and of the tokeniser that made the file.
    package let sources: UInt64
    package let tokenizer: UInt64
    package let documentCount: Int
    package let sentenceCount: Int
    package let tokenCount: Int
    let idSize: Int
    private let file: MappedFile
    private let checksum: UInt64

    /// Maps a file and checks it, checksum included.
    ///
    /// - Throws: `FileError`, or `TextError` for one that is not whole.
    package init(contentsOf path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            throw FileError.missing(path, expected: "tokenised text")
        }
        file = try MappedFile(path: path)
        let bytes = file.bytes
        func damaged(_ problem: String) -> TextError {
            TextError(
                .damagedFile, file: path,
                "is not a complete token file: \(problem); delete it, and it is made again"
            )
        }
        guard bytes.count >= Self.headerSize, bytes.prefix(8).elementsEqual(Self.magic) else {
            throw damaged("it does not start with BERTCTOK")
        }
        let header = (1..<8).map {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
        }
        guard UInt32(truncatingIfNeeded: header[0]) == Self.version else {
            throw damaged("it was made by another version of bertc")
        }
        idSize = Int(header[0] >> 32)
        (sources, tokenizer, checksum) = (header[1], header[2], header[6])
        let counts = header[3...5].compactMap { Int(exactly: $0) }
        guard idSize == 2 || idSize == 4, counts.count == 3, counts.allSatisfy({ $0 < 1 << 48 }) else {
            throw damaged("its header is not valid")
        }
        (documentCount, sentenceCount, tokenCount) = (counts[0], counts[1], counts[2])
        let expected = Self.headerSize + 8 * (documentCount + sentenceCount + 2) + idSize * tokenCount
        guard bytes.count == expected else {
            throw damaged("it has \(bytes.count) bytes, expected \(expected)")
        }
        guard computedChecksum == checksum else { throw damaged("its checksum is wrong") }
    }

    private var documentsOffset: Int { Self.headerSize }
    private var sentencesOffset: Int { documentsOffset + 8 * (documentCount + 1) }
    private var tokensOffset: Int { sentencesOffset + 8 * (sentenceCount + 1) }

    private var computedChecksum: UInt64 {
        let bytes = file.bytes
        var hash = Fingerprint()
        hash.addWords(UnsafeRawBufferPointer(rebasing: bytes[..<56]))
        hash.addWords(UnsafeRawBufferPointer(rebasing: bytes[documentsOffset..<sentencesOffset]))
        hash.addWords(UnsafeRawBufferPointer(rebasing: bytes[sentencesOffset..<tokensOffset]))
        hash.addWords(UnsafeRawBufferPointer(rebasing: bytes[tokensOffset...]))
        return hash.value
    }

    /// Sentences of a document, as indices over the whole file.
    package func sentences(ofDocument index: Int) -> Range<Int> {
        number(index, at: documentsOffset)..<number(index + 1, at: documentsOffset)
    }

    /// Tokens of a sentence, as indices over the whole file. The sentences of a document follow one another.
    package func tokens(ofSentence index: Int) -> Range<Int> {
        number(index, at: sentencesOffset)..<number(index + 1, at: sentencesOffset)
    }

    private func number(_ index: Int, at offset: Int) -> Int {
        Int(
            UInt64(
                littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset + 8 * index, as: UInt64.self)))
    }

    /// The ids of some tokens.
    package func ids(_ range: Range<Int>) -> [Int32] {
        let bytes = file.bytes
        return range.map { index in
            let offset = tokensOffset + idSize * index
            return idSize == 2
                ? Int32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
                : Int32(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
    }
}
