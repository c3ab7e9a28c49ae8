import Foundation
import GraphIR

/// Writes the angles of rotary positions, once for all layers that turn by them.
final class RotaryWriter {
    private let g: GraphBuilder
    /// The place of each token in its sequence.
    private let positions: Tensor
    private var tables: [Key: Tensor] = [:]

    private struct Key: Hashable {
        let rotary: EncoderSpec.Rotary
        let size: Int
    }

    init(_ g: GraphBuilder, positions: Tensor) { (self.g, self.positions) = (g, positions) }

    /// The cosines and then the sines of all tokens' angles for heads of a size, [tokens, size], as attention turns queries
    /// and keys by them.
    func angles(_ rotary: EncoderSpec.Rotary, size: Int) -> Tensor {
        let key = Key(rotary: rotary, size: size)
        if let table = tables[key] { return table }
        // In f32, as Transformers computes them.
        let frequencies = (0..<size / 2).map { index in
            let frequency = 1 / pow(Float(rotary.base), Float(2 * index) / Float(size))
            return Double(frequency / Float(rotary.factor))
        }
        let angles =
            positions.cast(.f32).reshaped(["tokens", 1])
            * g.constant(frequencies, .f32, [frequencies.count])
        let table = g.concatenate([angles.map(.cos), angles.map(.sin)], axis: 1)
        tables[key] = table
        return table
    }
}
