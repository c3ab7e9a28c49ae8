import Encoders
import Support

/// An amount of memory: a number of bytes, or text such as "4GB" (10⁹ bytes each) or "512MiB" (2²⁰).
public struct MemorySize: Hashable, Sendable {
    /// The amount in bytes.
    public let byteCount: Int

    /// An amount in bytes.
    public init(byteCount: Int) { self.byteCount = byteCount }

    private static let units: [(name: String, byteCount: Int)] = [
        ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
    ]

    /// `nil` for text that is not an amount of memory.
    package init?(text: String) {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.name) }) else { return nil }
        let digits = text.dropLast(unit.name.count).reversed().drop { $0 == " " }.reversed()
        guard let number = Double(String(digits)), number > 0, number * Double(unit.byteCount) < 1e18 else {
            return nil
        }
        byteCount = Int(number * Double(unit.byteCount))
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
