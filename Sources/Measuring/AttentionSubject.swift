import GraphCompiler
import Support

/// Attention, and its gradients, over sequences of one length.
///
/// Counted are the kernels alone, not the copies of q, k, v and dout into the graph: a peer has its tensors in
/// place. Only one number per head and row of the results leaves the graph, and what takes it is not counted.
package final class AttentionSubject: Subject {
    package let executor: Executor
    /// The symbols of the graph.
    package let symbols: [String: Int]
    private let inputs: [String: TensorData]

    /// Compiles the graph; nothing has run yet.
    package init(_ work: AttentionWork, compiler: Compiler) throws {
        executor = try compiler.compile(work.graph(), parameters: ParameterStore())
        executor.profiles = true
        inputs = try Self.inputs(work)
        symbols = ["tokens": work.tokens, "sequences": work.sequences, "length": work.length]
    }

    package func seconds(repeating count: Int) throws -> Double {
        let before = kernelSeconds
        for _ in 0..<count { _ = try executor.run(inputs, symbols: symbols) }
        return (kernelSeconds - before) / Double(count)
    }

    private var kernelSeconds: Double {
        executor.profile.filter { !$0.key.hasPrefix("slice") }.values.reduce(0) { $0 + $1.seconds }
    }

    private static func inputs(_ work: AttentionWork) throws -> [String: TensorData] {
        var random = SplitMix64(seed: 1)
        let shape = [work.tokens, work.heads, work.headSize]
        var inputs = [
            "offsets": TensorData((0...work.sequences).map { Int32($0 * work.length) }),
            "lengths": TensorData([Int32](repeating: Int32(work.length), count: work.sequences)),
        ]
        if work.dropout > 0 { inputs["rng"] = .rng(seed: 1, step: 0) }
        for name in work.isTraining ? ["q", "k", "v", "dout"] : ["q", "k", "v"] {
            let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }
            inputs[name] =
                work.precision == .bf16
                ? try TensorData(element: .bf16, shape: shape, bytes: truncated(values))
                : try TensorData(values, shape: shape)
        }
        return inputs
    }

    /// The upper half of each number: bf16, rounded towards zero.
    private static func truncated(_ values: [Float]) -> [UInt8] {
        values.map { UInt16($0.bitPattern >> 16) }.withUnsafeBytes { [UInt8]($0) }
    }
}
