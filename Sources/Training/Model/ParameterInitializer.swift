import Encoders
import Foundation
import Support
import Text

/// Fresh parameters as Hugging Face's models start, by their roles: matrices and embeddings normal with mean 0, the padding token's
/// row 0, LayerNorm's scale 1, biases 0. A low-rank adapter starts as PEFT's: what reads is uniform within 1 / √inputs of 0, what
/// writes is 0. The logits of an attention mask's gates are normal with standard deviation 0.001.
///
/// Each parameter has a generator of its own, seeded by the run's seed and its name, so that its values depend neither
/// on other parameters nor on their order.
package struct ParameterInitializer {
    let seed: Int
    /// `initializer_range`.
    let standardDeviation: Double
    private static let gateDeviation = 1e-3

    package init(seed: Int, config: EncoderConfig) {
        self.seed = seed
        standardDeviation = config.initializerRange
    }

    /// The values of a parameter, row-major.
    package func values(for spec: ParameterSpec) -> [Float] {
        switch spec.role {
        case .bias, .normBias, .adapterOutput: return [Float](repeating: 0, count: spec.count)
        case .normScale: return [Float](repeating: 1, count: spec.count)
        case .gate: return normal(count: spec.count, name: spec.name, Self.gateDeviation)
        case .adapterInput:
            return uniform(count: spec.count, name: spec.name, 1 / Double(spec.shape[1]).squareRoot())
        case .matrix, .positionBias: return normal(count: spec.count, name: spec.name, standardDeviation)
        case .sinusoids: return sinusoids(rows: spec.shape[0], width: spec.shape[1])
        case .table(let padding):
            var values = normal(count: spec.count, name: spec.name, standardDeviation)
            if let padding {
                let width = spec.shape[1]
                for index in (padding * width)..<((padding + 1) * width) { values[index] = 0 }
            }
            return values
        }
    }

    /// sin and cos of position / 10000^(2i / width) in column 2i and the next (Vaswani et al., arXiv:1706.03762).
    private func sinusoids(rows: Int, width: Int) -> [Float] {
        (0..<rows * width).map { index in
            let (row, column) = index.quotientAndRemainder(dividingBy: width)
            let angle = Double(row) / pow(10000, Double(2 * (column / 2)) / Double(width))
            return Float(column % 2 == 0 ? sin(angle) : cos(angle))
        }
    }

    private func generator(_ name: String) -> SplitMix64 {
        SplitMix64(seed: UInt64(bitPattern: Int64(seed)) &+ Fingerprint(of: name).value)
    }

    /// Uniform numbers within `bound` of 0.
    private func uniform(count: Int, name: String, _ bound: Double) -> [Float] {
        var generator = generator(name)
        return (0..<count).map { _ in Float(bound * (Double(generator.next() >> 11) * 0x1p-52 - 1)) }
    }

    /// Normal numbers by Box and Muller's transform: √(-2 ln u) · (cos 2πv, sin 2πv).
    private func normal(count: Int, name: String, _ deviation: Double) -> [Float] {
        var generator = generator(name)
        /// Uniform in (0, 1].
        func uniform() -> Double { (Double(generator.next() >> 11) + 1) * 0x1p-53 }
        var values: [Float] = []
        values.reserveCapacity(count + 1)
        while values.count < count {
            let radius = deviation * (-2 * log(uniform())).squareRoot()
            let angle = 2 * Double.pi * uniform()
            values.append(Float(radius * cos(angle)))
            values.append(Float(radius * sin(angle)))
        }
        return Array(values.prefix(count))
    }
}
