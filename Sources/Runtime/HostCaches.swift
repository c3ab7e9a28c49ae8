import Foundation
import KernelIR

/// The caches of the first processor, as Linux describes them ("32768K").
enum HostCaches {
    /// Bytes of the cache of a level, of the one for data at level 1; `nil` where the system does not say.
    static func byteCount(level: Int) -> Int? {
        let index = level == 1 ? 0 : level
        let file = "/sys/devices/system/cpu/cpu0/cache/index\(index)/size"
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "K").first.flatMap { Int($0) }.map { $0 << 10 }
    }

    /// What products are sized for.
    static let sizes = CacheSizes(
        level1: byteCount(level: 1) ?? CacheSizes.usual.level1,
        level2: byteCount(level: 2) ?? CacheSizes.usual.level2)
}
