import Foundation
import LLVMBridge
import Support

/// One compiled module as it stands on disk, and the checks that a file must pass to be used.
///
/// All numbers are little-endian u64:
/// ```
/// magic | key length | payload length | fingerprint of key and payload | key | payload
/// ```
struct ObjectCacheEntry {
    /// The complete key text: format, LLVM, target, passes and IR.
    let key: String
    /// The machine code.
    let object: ObjectCode

    /// "bertcob2": the file format's version is its last digit.
    private static let magic: UInt64 = 0x3262_6f63_7472_6562
    /// What every version's files begin with.
    private static let signature = Array("bertcob".utf8)
    private static let headerBytes = 4 * 8

    /// The text that identifies a compilation. Everything that the generated code depends on is in it.
    static func key(ir: String, cpu: TargetCPU, passes: String?) -> String {
        """
        bertc object 1
        llvm \(LLVM.version)
        triple \(cpu.triple)
        set \(cpu.target.name)
        cpu \(cpu.name)
        features \(cpu.features)
        passes \(passes ?? "none")

        \(ir)
        """
    }

    /// The name of the file for `key`: sixteen hexadecimal digits and a suffix.
    static func fileName(for key: String) -> String {
        var fingerprint = Fingerprint()
        fingerprint.addWords(key)
        return fingerprint.text + suffix
    }

    /// Whether files of this or an older version have such names; the oldest had 32 digits.
    static func isFileName(_ name: String) -> Bool {
        guard name.hasSuffix(suffix) else { return false }
        let digits = name.utf8.dropLast(suffix.utf8.count)
        return [16, 32].contains(digits.count) && digits.allSatisfy(isLowercaseHexDigit)
    }

    /// A name of its own for a file that is not complete yet.
    static func temporaryName() -> String {
        ".\(UInt64.random(in: 0 ... .max))-\(getpid())\(temporarySuffix)"
    }

    /// Whether a file that was never completed may have such a name: two numbers.
    static func isTemporaryName(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(temporarySuffix) else { return false }
        let numbers = name.dropFirst().dropLast(temporarySuffix.count)
            .split(separator: "-", omittingEmptySubsequences: false)
        return numbers.count == 2 && numbers.allSatisfy { UInt64($0) != nil }
    }

    /// Whether an entry, perhaps cut short, may begin with `bytes`.
    static func mayBegin(_ bytes: [UInt8]) -> Bool {
        signature.starts(with: bytes.prefix(signature.count))
    }

    private static let suffix = ".obj"
    private static let temporarySuffix = ".tmp"

    private static func isLowercaseHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// The file's bytes.
    var encoded: [UInt8] {
        let header = [
            Self.magic, UInt64(key.utf8.count), UInt64(object.bytes.count),
            Self.fingerprint(key, object.bytes[...]),
        ]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + key.utf8.count + object.bytes.count)
        for word in header { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
        bytes += key.utf8
        bytes += object.bytes
        return bytes
    }

    /// The object in a file, or nil if the file is damaged or truncated, has another format, or holds the
    /// object of another key whose hash is the same.
    static func decode(_ bytes: [UInt8], expecting key: String) -> ObjectCode? {
        guard bytes.count >= headerBytes else { return nil }
        let header = (0..<4).map { word in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[word * 8 + $1]) << UInt64($1 * 8) }
        }
        let expected = Array(key.utf8)
        guard header[0] == magic, header[1] == UInt64(expected.count) else { return nil }
        guard bytes.count - headerBytes >= expected.count else { return nil }
        let payload = bytes[(headerBytes + expected.count)...]
        guard header[2] == UInt64(payload.count) else { return nil }
        guard bytes[headerBytes..<payload.startIndex].elementsEqual(expected) else { return nil }
        guard header[3] == fingerprint(key, payload) else { return nil }
        return ObjectCode(bytes: Array(payload))
    }

    private static func fingerprint(_ key: String, _ payload: ArraySlice<UInt8>) -> UInt64 {
        var fingerprint = Fingerprint()
        fingerprint.addWords(key)
        payload.withUnsafeBytes { fingerprint.addWords($0) }
        return fingerprint.value
    }
}
