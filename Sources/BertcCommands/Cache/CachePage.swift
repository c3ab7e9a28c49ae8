import Foundation
import GraphCompiler
import Support

/// The cache of compiled kernels as text and as JSON.
struct CachePage {
    let cache: ObjectCache
    /// `nil` where there is no directory.
    let contents: CacheContents?

    private var limits: CacheLimits { cache.limits }

    var text: String {
        let path = cache.directory?.path ?? "none: neither XDG_CACHE_HOME nor HOME is set"
        let size = Formatted.bytes(contents?.bytes ?? 0)
        let sizeLimit = limits.maxBytes.map(Formatted.bytes) ?? "unlimited"
        let oldest = contents?.leastRecentUse.map { Self.age(max(0, -$0.timeIntervalSinceNow)) } ?? "-"
        let ageLimit = limits.maxAge.map { Self.age($0 / .seconds(1)) } ?? "unlimited"
        return """
            path        \(path)
            entries     \(contents?.count ?? 0)
            size        \(size) (limit \(sizeLimit))
            oldest use  \(oldest) (limit \(ageLimit))
            """
    }

    /// Sizes in bytes, ages in seconds; `null` for no limit.
    var json: JSONValue {
        .object([
            ("path", cache.directory.map { .string($0.path) } ?? .null),
            ("entries", .integer(contents?.count ?? 0)),
            ("bytes", .integer(contents?.bytes ?? 0)),
            ("max_bytes", limits.maxBytes.map { .integer($0) } ?? .null),
            ("oldest_use", contents?.leastRecentUse.map { .string($0.formatted(.iso8601)) } ?? .null),
            ("max_age", limits.maxAge.map { .integer(Int($0.components.seconds)) } ?? .null),
        ])
    }

    /// `40 seconds`, `3.5 hours`, `12.0 days`.
    private static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Formatted.number(seconds, digits: 0)) seconds"
        case ..<7200: "\(Formatted.number(seconds / 60, digits: 0)) minutes"
        case ..<172_800: "\(Formatted.number(seconds / 3600, digits: 0)) hours"
        default: "\(Formatted.number(seconds / 86_400, digits: 0)) days"
        }
    }
}
