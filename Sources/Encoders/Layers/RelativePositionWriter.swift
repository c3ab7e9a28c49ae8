import Foundation
import GraphIR

/// Writes what attention's scores get for the distance of query and key.
struct RelativePositionWriter {
    let builder: EncoderBuilder
    let part: EncoderSpec.RelativePositions
    /// The longest sequence, n.
    let length: Int

    private static let name = "encoder.relative_attention_bias.weight"

    /// For each distance from 1 - n to n - 1, [heads, 2n - 1].
    func bias(heads: Int) -> Tensor {
        let g = builder.g
        let table = builder.parameter(
            ParameterSpec(Self.name, [part.buckets, heads], role: .positionBias, part: .encoder))
        let place = g.apply(.iota(type: TensorType(.i32, [.fixed(2 * length - 1)]), axis: 0), [])
        let distance = place - Double(length - 1)
        let half = part.buckets / 2
        let behind = g.compare(.gt, distance, g.scalar(0, .i32)).cast(.i32) * Double(half)
        // The bucket of a distance is the number of buckets that begin at it or before it, but for the first.
        let starts = g.constant(part.starts.map(Double.init), .i32, [half - 1])
        let column = distance.abs().reshaped([.fixed(2 * length - 1), 1])
        let bucket = g.compare(.ge, column, starts).cast(.f32).sum(axes: [1]).cast(.i32)
        return table.gather(bucket + behind).transposed([1, 0])
    }
}

extension EncoderSpec.RelativePositions {
    /// The shortest distance of each bucket of a direction but the first: one distance per bucket for half of them, then
    /// logarithmically more.
    var starts: [Int] {
        let count = buckets / 2
        let exact = count / 2
        func bucket(_ distance: Int) -> Int {
            guard distance >= exact else { return distance }
            let share = log(Float(distance) / Float(exact)) / Float(log(Double(maxDistance) / Double(exact)))
            return min(count - 1, exact + Int(share * Float(count - exact)))
        }
        return (1..<count).map { index in (1...).first { bucket($0) >= index } ?? index }
    }
}
