import Interpreter
import Support

/// SplitMix64 (Steele, Lea & Flood, OOPSLA'14): the same numbers on every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: Int) { state = UInt64(seed) }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension HostTensor {
    /// f32 numbers drawn evenly from `range`.
    static func random(_ shape: [Int], _ range: ClosedRange<Double>, _ generator: inout SplitMix)
        -> HostTensor
    {
        let count = shape.reduce(1, *)
        return HostTensor(
            element: .f32, shape: shape,
            values: (0..<count).map { _ in Double.random(in: range, using: &generator) })
    }
}
