/// Amounts as people write them.
package enum Quantity {
    private static let byteUnits: [(name: String, size: Int)] = [
        ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
    ]
    private static let timeUnits: [(name: String, size: Int)] = [
        ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400),
    ]

    /// The bytes of "4GB" (10⁹ each) or "512MiB" (2²⁰); `nil` for text that is no such amount.
    package static func bytes(_ text: String) -> Int? { amount(text, byteUnits) }

    /// The seconds of "90m", "12h", "30d" or "2w"; `nil` for text that is no such time.
    package static func seconds(_ text: String) -> Int? { amount(text, timeUnits) }

    /// Of units that end alike the longer ones come first.
    private static func amount(_ text: String, _ units: [(name: String, size: Int)]) -> Int? {
        guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
        let digits = text.dropLast(unit.name.count).reversed().drop { $0 == " " }.reversed()
        guard let number = Double(String(digits)), number >= 0, number * Double(unit.size) < 1e18 else {
            return nil
        }
        return Int(number * Double(unit.size))
    }
}
