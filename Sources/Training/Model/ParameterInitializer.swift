import Encoders
import Foundation
import Support
import Text

/// Fresh parameters as Hugging Face's BERT starts: matrices and embeddings normal with mean 0, the padding token's
/// row 0, LayerNorm's scale 1, biases 0. The logits of an attention mask's gates are normal with standard deviation 0.001.
///
/// Each parameter has a generator of its own, seeded by the run's seed and its name, so that its values depend neither
/// on other parameters nor on their order.
package struct ParameterInitializer {
    let seed: Int
    /// `initializer_range`.
    let standardDeviation: Double
    /// The row of the word embedding that stays 0.
    let paddingID: Int?
    private static let gateDeviation = 1e-3

    package init(seed: Int, config: EncoderConfig) {
        self.seed = seed
        standardDeviation = config.initializerRange
        paddingID = config.paddingID
    }

    /// The values of a parameter, row-major.
    package func values(for spec: ParameterSpec) -> [Float] {
        if spec.name.hasSuffix("bias") { return [Float](repeating: 0, count: spec.count) }
        if spec.name.contains("LayerNorm") { return [Float](repeating: 1, count: spec.count) }
        let deviation = AttentionGates.isGate(spec.name) ? Self.gateDeviation : standardDeviation
        var values = normal(count: spec.count, name: spec.name, deviation)
        if spec.name == "embeddings.word_embeddings.weight", let paddingID {
            let width = spec.shape[1]
            for index in (paddingID * width)..<((paddingID + 1) * width) { values[index] = 0 }
        }
        return values
    }

    /// Normal numbers by Box and Muller's transform: √(-2 ln u) · (cos 2πv, sin 2πv).
    private func normal(count: Int, name: String, _ deviation: Double) -> [Float] {
        var generator = SplitMix64(seed: UInt64(bitPattern: Int64(seed)) &+ Fingerprint(of: name).value)
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
