import Interpreter
import Support

extension HostTensor {
    /// f32 numbers drawn evenly from `range`.
    package static func random(_ shape: [Int], _ range: ClosedRange<Double>, _ generator: inout SplitMix64)
        -> HostTensor
    {
        let count = shape.reduce(1, *)
        return HostTensor(
            element: .f32, shape: shape,
            values: (0..<count).map { _ in Double.random(in: range, using: &generator) })
    }
}
