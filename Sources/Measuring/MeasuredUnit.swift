import Foundation

/// What samples count.
package enum MeasuredUnit: String, Encodable, Sendable {
    case seconds, bytes
    /// A part of 1.
    case share

    /// `412.0 ms (405.1 to 431.9)`: the median, the least and the most; of one sample that alone, and of a hundred and
    /// more `4.12 ms (4.05, 90 % within 4.31)`.
    package func text(_ samples: Samples) -> String {
        let (factor, digits, unit) = scale(samples.median)
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value * factor) }
        let end =
            samples.areMany ? ", 90 % within \(number(samples.ninthDecile))" : " to \(number(samples.most))"
        let spread = " (\(number(samples.least))\(end))"
        return "\(number(samples.median)) \(unit)" + (samples.values.count > 1 ? spread : "")
    }

    /// What to multiply values about as large as `median` by, the decimals to show, and the unit that gives.
    private func scale(_ median: Double) -> (factor: Double, digits: Int, unit: String) {
        switch self {
        case .seconds: median < 0.01 ? (1e3, 2, "ms") : median < 1 ? (1e3, 1, "ms") : (1, 2, "s")
        case .bytes: (1e-6, 0, "MB")
        case .share: (100, 1, "%")
        }
    }
}
