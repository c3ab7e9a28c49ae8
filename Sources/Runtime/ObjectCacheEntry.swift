import Foundation
import LLVMBridge

/// One compiled module as it stands on disk, and the checks that a file must pass to be used.
///
/// All numbers are little-endian u64:
/// ```
/// magic | key length | payload length | digest of key + payload (2 words) | key | payload
/// ```
struct ObjectCacheEntry {
    /// The complete key text: format, LLVM, target, passes and IR.
    let key: String
    /// The machine code.
    let object: ObjectCode

    /// "bertcob1": the file format's version is its last digit.
    private static let magic: UInt64 = 0x3162_6f63_7472_6562
    private static let headerBytes = 5 * 8

    /// The text that identifies a compilation. Everything that the generated code depends on is in it.
    static func key(ir: String, cpu: TargetCPU, passes: String?) -> String {
        """
        bertc object 1
        llvm \(LLVM.version)
        triple \(cpu.triple)
        set \(cpu.instructionSet.rawValue)
        cpu \(cpu.name)
        features \(cpu.features)
        passes \(passes ?? "none")

        \(ir)
        """
    }

    /// The name of the file for `key`: 32 hexadecimal digits and a suffix.
    static func fileName(for key: String) -> String {
        var hash = Hash128()
        hash.add(key.utf8)
        return hash.hexadecimal + ".obj"
    }

    /// The file's bytes.
    var encoded: [UInt8] {
        let digest = Self.digest(Array(key.utf8), object.bytes[...])
        let header = [
            Self.magic, UInt64(key.utf8.count), UInt64(object.bytes.count), digest.high, digest.low,
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
        let header = (0..<5).map { word in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[word * 8 + $1]) << UInt64($1 * 8) }
        }
        let expected = Array(key.utf8)
        guard header[0] == magic, header[1] == UInt64(expected.count) else { return nil }
        guard bytes.count - headerBytes >= expected.count else { return nil }
        let payload = bytes[(headerBytes + expected.count)...]
        guard header[2] == UInt64(payload.count) else { return nil }
        guard bytes[headerBytes..<payload.startIndex].elementsEqual(expected) else { return nil }
        let digest = digest(expected, payload)
        guard header[3] == digest.high, header[4] == digest.low else { return nil }
        return ObjectCode(bytes: Array(payload))
    }

    private static func digest(_ key: [UInt8], _ payload: ArraySlice<UInt8>) -> Hash128 {
        var hash = Hash128()
        hash.add(key)
        hash.add(payload)
        return hash
    }
}

/// A 128-bit hash of bytes, the same in every process: FNV-1a in one half, a multiply-and-rotate hash in
/// the other. Against accidents, not against an attacker, who could write the cache directory anyway.
struct Hash128 {
    private(set) var high: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var low: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            high = (high ^ UInt64(byte)) &* 0x100_0000_01b3
            let mixed = (low ^ UInt64(byte)) &* 0xff51_afd7_ed55_8ccd
            low = mixed << 27 | mixed >> 37
        }
    }

    var hexadecimal: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
