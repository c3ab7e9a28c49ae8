import GraphCompiler
import Text

/// `flash_attention`, and its gradient, over sequences of one length.
///
/// Counted are the kernels alone, not the copies of q, k, v and dout into the graph: the peer has its tensors
/// in place. Of the results only one number a head and row leaves the graph.
final class AttentionSubject: Subject {
    private let executor: Executor
    private let inputs: [String: TensorData]

    /// Compiles the graph and runs it twice.
    init(_ work: AttentionWork, threads: Int) throws {
        let compiler = try Compiler(CompilerOptions(threads: threads))
        executor = try compiler.compile(Self.graph(work), parameters: ParameterStore())
        executor.profiles = true
        inputs = Self.inputs(work)
        for _ in 0..<2 { _ = try executor.run(inputs) }
    }

    func seconds(repeating count: Int) throws -> Double {
        let before = kernelSeconds
        for _ in 0..<count { _ = try executor.run(inputs) }
        return (kernelSeconds - before) / Double(count)
    }

    private var kernelSeconds: Double {
        executor.profile.filter { $0.key.hasPrefix("flash_attention") }.values.reduce(0) { $0 + $1.seconds }
    }

    private static func graph(_ work: AttentionWork) throws -> Graph {
        try GraphBuilder.build("attention") { g in
            let shape: [Dimension] = ["tokens", .fixed(work.heads), .fixed(work.headSize)]
            let element = work.precision.element
            let tensors = ["q", "k", "v"].map { g.input($0, element, shape) }
            var rest = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            if work.dropout > 0 { rest.append(g.input("rng", .i64, [2])) }
            let attributes = AttentionAttributes(
                scale: 1 / Double(work.headSize).squareRoot(), rate: work.dropout)
            let forward = g.applyAll(.flashAttention(attributes), tensors + rest)
            var results = [("out", forward[0])]
            if work.isTraining {
                let cotangent = g.input("dout", element, shape)
                let gradients = g.applyAll(
                    .flashAttentionGradient(attributes), [cotangent] + tensors + forward + rest)
                results += zip(["dq", "dk", "dv"], gradients)
            }
            for (name, tensor) in results { g.output(name, tensor.slice(axis: 2, start: 0, size: 1)) }
        }
    }

    private static func inputs(_ work: AttentionWork) -> [String: TensorData] {
        var random = SplitMix64(seed: 1)
        let shape = [AttentionWork.tokens, work.heads, work.headSize]
        let sequences = AttentionWork.tokens / work.length
        var inputs = [
            "offsets": TensorData((0...sequences).map { Int32($0 * work.length) }),
            "lengths": TensorData([Int32](repeating: Int32(work.length), count: sequences)),
        ]
        if work.dropout > 0 { inputs["rng"] = .rng(seed: 1, step: 0) }
        for name in work.isTraining ? ["q", "k", "v", "dout"] : ["q", "k", "v"] {
            let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }
            inputs[name] =
                work.precision == .bf16
                ? TensorData(element: .bf16, shape: shape, bytes: truncated(values))
                : TensorData(values, shape: shape)
        }
        return inputs
    }

    /// The upper half of each number: bf16, rounded towards zero.
    private static func truncated(_ values: [Float]) -> [UInt8] {
        values.map { UInt16($0.bitPattern >> 16) }.withUnsafeBytes { [UInt8]($0) }
    }
}
