import Encoders
import Support

/// An amount of memory: a number of bytes, or text such as "4GB" (10⁹ bytes each) or "512MiB" (2²⁰).
public struct MemorySize: Hashable, Sendable {
    /// The amount in bytes.
    public let byteCount: Int

    /// An amount in bytes.
    public init(byteCount: Int) { self.byteCount = byteCount }

    /// `nil` for text that is not an amount of memory.
    package init?(text: String) {
        guard let count = Quantity.bytes(text), count > 0 else { return nil }
        byteCount = count
    }
}

extension MemorySize: ConfigValue {
    static var expectation: String { "an amount of memory such as \"4GB\", \"512MiB\" or a number of bytes" }

    init?(json: JSONValue) {
        if case .string(let text) = json {
            self.init(text: text)
        } else if let count = Int(json: json), count > 0 {
            self.init(byteCount: count)
        } else {
            return nil
        }
    }

    var json: JSONValue { .integer(byteCount) }
}
