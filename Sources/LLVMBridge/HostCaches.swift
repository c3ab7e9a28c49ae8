import Foundation
import Target

extension CacheSizes {
    /// The caches of the host's first processor, as Linux describes them ("32768K"); the usual sizes where it does not.
    static let host = CacheSizes(
        level1: hostByteCount(level: 1) ?? usual.level1, level2: hostByteCount(level: 2) ?? usual.level2,
        level3: hostByteCount(level: 3) ?? usual.level3)

    /// Bytes of the cache of a level, of the one for data at level 1.
    private static func hostByteCount(level: Int) -> Int? {
        let index = level == 1 ? 0 : level
        let file = "/sys/devices/system/cpu/cpu0/cache/index\(index)/size"
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "K").first.flatMap { Int($0) }.map { $0 << 10 }
    }
}
