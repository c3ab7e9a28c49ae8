/// Human-readable numbers.
package enum Formatted {
    /// `1 step`, `12 steps`.
    package static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }

    /// `a, b, c`, of many only the first: `a, b and 150 more`.
    package static func list(_ items: [String], most: Int = 12) -> String {
        guard items.count > most else { return items.joined(separator: ", ") }
        return items.prefix(most).joined(separator: ", ") + " and \(items.count - most) more"
    }

    /// `1234`, `12.3 KB`, `86.7 MB`.
    package static func bytes(_ count: Int) -> String {
        scaled(Double(count), ["B", "KB", "MB", "GB", "TB"])
    }

    /// `2.45 GFLOP`.
    package static func flops(_ count: Int) -> String {
        scaled(Double(count), ["FLOP", "KFLOP", "MFLOP", "GFLOP", "TFLOP"])
    }

    /// A number with `digits` decimals.
    package static func number(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        let scaled = (abs(value) * power).rounded()
        guard scaled < 9e15 else { return "\(value)" }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        let text = "\(Int(scaled))"
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return digits == 0 ? sign + padded : sign + padded.dropLast(digits) + "." + padded.suffix(digits)
    }

    /// `0.4 ms`, `12.3 ms`, `1.25 s`.
    package static func seconds(_ value: Double) -> String {
        value < 1 ? "\(number(value * 1000, digits: 1)) ms" : "\(number(value, digits: 2)) s"
    }

    /// `0.012 ms`, `12.345 ms`.
    package static func milliseconds(_ value: Double) -> String { "\(number(value * 1000, digits: 3)) ms" }

    /// `text`, or with `…` in place of its middle when it is longer than `width` characters.
    package static func clipped(_ text: String, _ width: Int) -> String {
        let tail = width / 3
        return text.count <= width ? text : "\(text.prefix(width - 1 - tail))…\(text.suffix(tail))"
    }

    private static func scaled(_ value: Double, _ units: [String]) -> String {
        var value = value
        var unit = 0
        while value >= 1000, unit + 1 < units.count {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(Int(value)) \(units[0])" : "\(number(value, digits: 1)) \(units[unit])"
    }
}
