import Foundation
import Support

/// How many compiled kernels are kept on disk, and for how long.
///
/// Where the directory holds more, what was used least recently goes first. What this process has written or used stays,
/// even if that is more.
public struct CacheLimits: Hashable, Sendable {
    /// The most bytes that all entries take together; any number when `nil`.
    public var maxBytes: Int?
    /// How long an entry is kept after its last use; for ever when `nil`.
    public var maxAge: Duration?

    /// The given limits; without any, those that hold where neither a client nor the environment says otherwise: 512 MB
    /// and 30 days.
    public init(maxBytes: Int? = 512_000_000, maxAge: Duration? = .seconds(30 * 86_400)) {
        self.maxBytes = maxBytes
        self.maxAge = maxAge
    }

    /// The environment variable for `maxBytes`.
    package static let sizeVariable = "BERTC_CACHE_MAX_SIZE"
    /// The environment variable for `maxAge`.
    package static let ageVariable = "BERTC_CACHE_MAX_AGE"
    /// What stands for no limit.
    private static let unlimited = "unlimited"

    /// A limit as it was written.
    package enum Setting<Value> {
        case limited(Value)
        case unlimited
    }

    /// A size such as `512MB`, `2GiB`, a number of bytes or `unlimited`.
    package static func size(_ text: String) -> Setting<Int>? {
        if text == unlimited { return .unlimited }
        let plain = Int(text).flatMap { $0 >= 0 ? $0 : nil }
        return (plain ?? Quantity.bytes(text)).map(Setting.limited)
    }

    /// An age such as `12h`, `30d`, `2w` or `unlimited`.
    package static func age(_ text: String) -> Setting<Duration>? {
        if text == unlimited { return .unlimited }
        return Quantity.seconds(text).map { .limited(.seconds($0)) }
    }

    /// What a size must look like, for messages.
    package static let sizeExpectation = "expected a size such as 512MB, 2GiB, a number of bytes or unlimited"
    /// What an age must look like, for messages.
    package static let ageExpectation = "expected an age such as 12h, 30d, 2w or unlimited"

    /// The limits that environment variables set, the defaults for those that are missing, and what is wrong with one
    /// that is not understood, whose default holds.
    package static func standard(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> (limits: CacheLimits, problem: String?) {
        var limits = CacheLimits()
        var problem: String?
        if let text = environment[sizeVariable], !text.isEmpty {
            if let setting = size(text) {
                limits.maxBytes = setting.value
            } else {
                problem = "\(sizeVariable) is '\(text)'; \(sizeExpectation); 512MB holds"
            }
        }
        if let text = environment[ageVariable], !text.isEmpty {
            if let setting = age(text) {
                limits.maxAge = setting.value
            } else {
                problem = "\(ageVariable) is '\(text)'; \(ageExpectation); 30d holds"
            }
        }
        return (limits, problem)
    }
}

extension CacheLimits.Setting {
    /// `nil` for no limit.
    package var value: Value? {
        switch self {
        case .limited(let value): value
        case .unlimited: nil
        }
    }
}
