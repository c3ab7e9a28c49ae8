import Encoders
import Foundation
import GraphCompiler
import GraphIR
import Interpreter
import Testing

/// The gates of a learned mask and the gradient that reaches their logits.
@Suite struct AttentionGateTests {
    /// Attention of packed sequences under gates, with the loss Σ out · weights + λ Σ M and its gradients `dlogits`, `dq`,
    /// `dk`, `dv`.
    static func graph(_ gates: AttentionGates, heads: Int, headSize: Int) throws -> Graph {
        var graph = try GraphBuilder.build("gates") { g in
            let shape: [GraphIR.Dimension] = ["tokens", .fixed(heads), .fixed(headSize)]
            let logits = g.parameter("logits", [.fixed(heads), .fixed(gates.count), 2])
            let writer = AttentionGateWriter(gates, logits: logits, name: "logits", isTraining: true)
            let (bias, openPairs) = writer.bias()
            let tensors = ["q", "k", "v", "weights"].map { g.input($0, .f32, shape) }
            let out = g.attention(
                tensors[0], tensors[1], tensors[2],
                offsets: g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                lengths: g.input("lengths", .i32, ["sequences"]), bias: bias)
            g.output("out", out)
            guard let openPairs else { return }
            g.output("loss", (out * tensors[3]).sum() + openPairs * gates.lambda)
        }
        let loss = try #require(graph.outputs.first { $0.name == "loss" }).value
        let names = ["logits", "q", "k", "v"]
        let values = names.compactMap { name in
            graph.nodeIDs.first { graph[$0].op.suppliedName == name }.map { Value($0) }
        }
        for (name, gradient) in zip(names, try appendGradients(to: &graph, of: loss, withRespectTo: values)) {
            graph.addOutput("d\(name)", try #require(gradient))
        }
        try graph.verify()
        return graph
    }

    /// Two gates worked by hand: one head of size 1, a sequence of two tokens, n = 2, and q = k = 0, so that all scores
    /// are 0; v = (0, 1); loss = out₀ + λ Σ M with λ = 1/2; all logits are 0, so that s = sigmoid(ε) and
    /// ds/dα₀ = -ds/dα₁ = s (1 - s). Gate 0 is for the pairs (0, 0) and (1, 1), gate 1 for (0, 1) and (1, 0).
    ///
    /// Both open, ε = (ln 3, 0), s = (3/4, 1/2):
    ///   P₀ = (1/2, 1/2), out₀ = 1/2, loss = 1/2 + 4/2 = 5/2
    ///   dP₀ = (0, 1), dS₀ = P₀ (dP₀ - P₀ · dP₀) = (-1/4, 1/4), dS₁ = 0
    ///   dL/dM = 10000 (-1/4, 1/4) + (1, 1), two pairs a gate adding λ each
    ///   dL/dα₀ = (-2499 · 3/16, 2501 · 1/4)
    ///
    /// Gate 1 shut, ε = (ln 3, -ln 3), s = (3/4, 1/4):
    ///   P₀ = (1, 0), out₀ = 0, loss = 0 + 2/2 = 1
    ///   dS₀ = (1 (0 - 0), 0 (1 - 0)) = 0
    ///   dL/dM = (1, 1), dL/dα₀ = (3/16, 3/16)
    @Test(
        arguments: [
            (0.0, 2.5, [-468.5625, 468.5625, 625.25, -625.25]),
            (-Foundation.log(3.0), 1.0, [0.1875, -0.1875, 0.1875, -0.1875]),
        ] as [(Double, Double, [Double])])
    func twoGatesByHand(noise: Double, loss: Double, gradient: [Double]) throws {
        let gates = AttentionGates(.structured, length: 2, lambda: 0.5)
        func tokens(_ values: [Double]) -> HostTensor {
            HostTensor(element: .f32, shape: [2, 1, 1], values: values)
        }
        let result = try Interpreter(graph: Self.graph(gates, heads: 1, headSize: 1), rounding: false).run([
            "logits": HostTensor(element: .f32, shape: [1, 2, 2], values: [0, 0, 0, 0]),
            "logits.noise": HostTensor(element: .f32, shape: [1, 2], values: [log(3), noise]),
            "q": tokens([0, 0]), "k": tokens([0, 0]), "v": tokens([0, 1]), "weights": tokens([1, 0]),
            "offsets": HostTensor([0, 2] as [Int32]), "lengths": HostTensor([2] as [Int32]),
        ])
        #expect(abs(try #require(result.outputs["loss"]).values[0] - loss) < 1e-12)
        for (actual, expected) in zip(try #require(result.outputs["dlogits"]).values, gradient) {
            #expect(abs(actual - expected) < 1e-9)
        }
    }

    /// The straight-through gradient is that of the loss in which M is its sample plus soft(α) - soft(α at the point),
    /// which is smooth: central differences of that function, which has numbers from outside in place of the sample.
    @Test func softPathByDifferences() throws {
        let gates = AttentionGates(.structured, length: 3, lambda: 0.1)
        let (logits, noise) = ([0.3, -0.1, 0.2, 0.4, -0.5, 0.1], [0.7, 0.4, -1.2])
        func soft(_ logits: [Double]) -> [Double] {
            noise.indices.map { 1 / (1 + exp(-(logits[2 * $0] - logits[2 * $0 + 1] + noise[$0]))) }
        }
        let point = soft(logits)
        let (q, k) = ([0.5, -1, 0.25], [1, 0.5, -2])
        let (v, weights) = ([0.1, 0.9, -0.4], [1, -0.5, 2])
        /// One head of size 1.
        func loss(_ logits: [Double]) -> Double {
            let slope = zip(soft(logits), point).map { $0 - $1 }
            var sum = 0.0
            for i in 0..<3 {
                let terms = (0..<3).map { j in
                    let gate = abs(i - j)
                    sum += 0.1 * ((point[gate] >= 0.5 ? 1 : 0) + slope[gate])
                    return point[gate] >= 0.5 ? exp(q[i] * k[j] + 10000 * slope[gate]) : 0
                }
                let total = terms.reduce(0, +)
                sum += weights[i] * zip(terms, v).reduce(0) { $0 + $1.0 / total * $1.1 }
            }
            return sum
        }
        func tokens(_ values: [Double]) -> HostTensor {
            HostTensor(element: .f32, shape: [3, 1, 1], values: values)
        }
        let result = try Interpreter(graph: Self.graph(gates, heads: 1, headSize: 1), rounding: false).run([
            "logits": HostTensor(element: .f32, shape: [1, 3, 2], values: logits),
            "logits.noise": HostTensor(element: .f32, shape: [1, 3], values: noise),
            "q": tokens(q), "k": tokens(k), "v": tokens(v), "weights": tokens(weights),
            "offsets": HostTensor([0, 3] as [Int32]), "lengths": HostTensor([3] as [Int32]),
        ])
        #expect(abs(try #require(result.outputs["loss"]).values[0] - loss(logits)) < 1e-12)
        let gradient = try #require(result.outputs["dlogits"]).values
        for index in logits.indices {
            let h = 1e-8
            var (below, above) = (logits, logits)
            below[index] -= h
            above[index] += h
            let numeric = (loss(above) - loss(below)) / (2 * h)
            #expect(abs(gradient[index] - numeric) < 1e-4 * max(1, abs(numeric)), "logit \(index)")
        }
    }

    /// PyTorch's numbers (`Fixtures/make_gates.py`), with rows that are left without a key.
    @Test(arguments: AttentionGates.Form.allCases) func agreesWithPyTorch(_ form: AttentionGates.Form) throws
    {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/gates.safetensors")
        let file = try SafetensorsFile(url)
        let gates = AttentionGates(form, length: 6, lambda: 0.03)
        let lengths = try file.integers(named: "\(form.rawValue).lengths")
        let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        var inputs = [
            "offsets": TensorData(offsets.map(Int32.init)), "lengths": TensorData(lengths.map(Int32.init)),
        ]
        func tensor(_ name: String) throws -> TensorData {
            let shape = try #require(file.entry(named: "\(form.rawValue).\(name)")).shape
            return try TensorData(try file.floats(named: "\(form.rawValue).\(name)"), shape: shape)
        }
        for name in ["q", "k", "v", "weights"] { inputs[name] = try tensor(name) }
        inputs["logits.noise"] = try tensor("noise")
        let parameters = ParameterStore()
        let executor = try Compiler(CompilerOptions(threads: 2, cache: .off)).compile(
            Self.graph(gates, heads: 2, headSize: 4), parameters: parameters)
        try parameters.set("logits", try tensor("logits"))
        let results = try executor.run(inputs)
        for name in ["loss", "dlogits", "dq", "dk", "dv"] {
            let (actual, expected) = (try #require(results[name]).floats, try tensor(name).floats)
            let scale = max(1, expected.map(abs).max() ?? 0)
            let difference = zip(actual, expected).map { abs($0 - $1) }.max() ?? 0
            #expect(actual.count == expected.count && difference < 2e-6 * scale, "\(name)")
        }
    }

    /// Every gate stands for its pairs, and for no others.
    @Test(arguments: AttentionGates.Form.allCases) func gatesOfPairs(_ form: AttentionGates.Form) {
        let gates = AttentionGates(form, length: 5)
        let all = (0..<5).flatMap { i in (0..<5).map { gates.gate(query: i, key: $0) } }
        #expect(Set(all) == Set(0..<gates.count))
        #expect(gates.count == (form == .structured ? 5 : 15))
        #expect(
            (0..<5).allSatisfy { i in
                (0..<5).allSatisfy { gates.gate(query: i, key: $0) == gates.gate(query: $0, key: i) }
            })
    }
}
