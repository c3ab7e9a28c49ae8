/// Repeated measurements of one figure.
package struct Samples: Hashable, Sendable {
    /// In ascending order.
    package let values: [Double]

    /// - Precondition: at least one value.
    package init(_ values: [Double]) {
        precondition(!values.isEmpty, "no samples")
        self.values = values.sorted()
    }

    /// The mean of the middle two when there is no middle.
    package var median: Double { (values[values.count / 2] + values[(values.count - 1) / 2]) / 2 }
    package var least: Double { values[0] }
    package var most: Double { values[values.count - 1] }
    /// What nine of ten samples don't exceed.
    package var ninthDecile: Double { values[(values.count * 9 + 9) / 10 - 1] }
    /// Whether there are so many that a rare outlier, not the spread, decides what the most is.
    package var areMany: Bool { values.count >= 100 }
}

extension Samples: Encodable {
    private enum Key: String, CodingKey {
        case median, least, most, samples
        case ninthDecile = "ninth_decile"
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Key.self)
        try members.encode(median, forKey: .median)
        try members.encode(least, forKey: .least)
        try members.encode(most, forKey: .most)
        if areMany { try members.encode(ninthDecile, forKey: .ninthDecile) }
        try members.encode(values, forKey: .samples)
    }
}
