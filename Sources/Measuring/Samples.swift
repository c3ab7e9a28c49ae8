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
}

extension Samples: Encodable {
    private enum Key: String, CodingKey { case median, least, most, samples }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Key.self)
        try members.encode(median, forKey: .median)
        try members.encode(least, forKey: .least)
        try members.encode(most, forKey: .most)
        try members.encode(values, forKey: .samples)
    }
}
