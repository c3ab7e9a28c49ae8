import Foundation
import GraphIR

/// Writes the angles of rotary positions, once for all that are turned by them.
final class RotaryWriter {
    private let g: GraphBuilder
    /// The place of each token in its sequence.
    private let positions: Tensor
    private var tables: [Key: (cos: Tensor, sin: Tensor)] = [:]

    private struct Key: Hashable {
        let rotary: EncoderSpec.Rotary
        let size: Int
    }

    init(_ g: GraphBuilder, positions: Tensor) { (self.g, self.positions) = (g, positions) }

    /// `x`, [tokens, heads, size], with its elements i and i + size / 2 turned by the angle of i.
    func turned(_ x: Tensor, _ rotary: EncoderSpec.Rotary, size: Int) -> Tensor {
        let (cos, sin) = table(Key(rotary: rotary, size: size))
        func half(_ index: Int) -> Tensor {
            x.slice(axis: 2, start: index * size / 2, size: .fixed(size / 2))
        }
        let (a, b) = (half(0), half(1))
        return g.concatenate([a * cos - b * sin, b * cos + a * sin], axis: 2)
    }

    /// The cosines and sines of all tokens' angles, [tokens, 1, size / 2].
    private func table(_ key: Key) -> (cos: Tensor, sin: Tensor) {
        if let table = tables[key] { return table }
        // In f32, as Transformers computes them.
        let frequencies = (0..<key.size / 2).map { index in
            let frequency = 1 / pow(Float(key.rotary.base), Float(2 * index) / Float(key.size))
            return Double(frequency / Float(key.rotary.factor))
        }
        let angles =
            positions.cast(.f32).reshaped(["tokens", 1])
            * g.constant(frequencies, .f32, [frequencies.count])
        func column(_ x: Tensor) -> Tensor { x.reshaped(["tokens", 1, .fixed(key.size / 2)]) }
        let table = (cos: column(angles.map(.cos)), sin: column(angles.map(.sin)))
        tables[key] = table
        return table
    }
}
