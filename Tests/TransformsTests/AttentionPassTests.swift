import Autodiff
import GraphIR
import Interpreter
import Support
import Synchronization
import TestSupport
import Testing
import Transforms

/// What the pass `attention` says about a graph, and what it keeps; golden files show what it makes.
@Suite struct AttentionPassTests {
    /// Attention over two sequences of 3 and 2 real rows, with a loss on its result.
    private func graph(
        rate: Double = 0.3,
        change: (_ scores: Tensor, _ limits: Tensor) -> Tensor = { $0.softmax(limits: $1) }
    ) throws -> Graph {
        try GraphBuilder.build("attention") { g in
            let p = ["q", "k", "v"].map { g.parameter($0, [6, 2, 4]) }
            let segments = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            func ragged(_ form: RaggedForm, _ a: Tensor, _ b: Tensor) -> Tensor {
                g.apply(.raggedMatmul(form, length: "length"), [a, b] + segments)
            }
            let limits = segments[1].segmentBroadcast(tokens: 6, offsets: segments[0], lengths: segments[1])
            let probabilities = change(ragged(.scores, p[0], p[1]) * 0.7, limits)
            let dropped = g.dropout(probabilities, rate: rate, rng: g.input("rng", .i64, [2]))
            let out = ragged(.context, dropped, p[2])
            g.output("loss", (out * g.input("weights", .f32, [6, 2, 4])).sum())
        }
    }

    private func inputs() -> [String: HostTensor] {
        var random = SplitMix64(seed: 5)
        var inputs = [
            "offsets": HostTensor([0, 4, 6] as [Int32]), "lengths": HostTensor([3, 2] as [Int32]),
            "rng": HostTensor.rng(seed: 9, step: 2),
        ]
        for name in ["q", "k", "v", "weights"] { inputs[name] = .random([6, 2, 4], -1...1, &random) }
        return inputs
    }

    @Test(arguments: [0, 0.3]) func lossAndGradientsStay(_ rate: Double) throws {
        var graph = try graph(rate: rate)
        let parameters = graph.parameters.map { Value($0) }
        let gradients = try appendGradients(to: &graph, of: graph.outputs[0].value, withRespectTo: parameters)
        for (index, gradient) in gradients.enumerated() {
            graph.addOutput("d\(index)", try #require(gradient))
        }
        var optimised = graph
        try PassPipeline.standard.run(on: &optimised)
        #expect(optimised.nodes.count { $0.op.mnemonic == "ragged_matmul" } == 0)
        #expect(!optimised.symbols.contains("length"))
        let before = try Interpreter(graph: graph, rounding: false).run(inputs(), symbols: ["length": 3])
        let after = try Interpreter(graph: optimised, rounding: false).run(inputs(), symbols: ["length": 3])
        for (name, tensor) in before.outputs {
            let other = try #require(after.outputs[name])
            for (a, b) in zip(tensor.values, other.values) { #expect(abs(a - b) < 1e-12, "\(name)") }
        }
    }

    @Test func reasonsAreGiven() throws {
        func reasons(_ change: (Tensor, Tensor) -> Tensor) throws -> [String?] {
            try decisions(try graph(change: change)).map { $0.isFused ? nil : $0.reason }
        }
        #expect(try reasons { $0.softmax(limits: $1) } == [nil])
        #expect(try reasons { scores, _ in scores.softmax() } == ["its softmax has no limits"])
        #expect(
            try reasons { scores, limits in scores.softmax(limits: limits - limits) }
                == ["its softmax's limits are not the lengths of its sequences"])
        #expect(
            try reasons { scores, limits in (scores + 1).softmax(limits: limits) }
                == [
                    "its scores are added to, by tokens or keys: only as an operand of attention is a bias by positions"
                ])
        #expect(
            try reasons { scores, limits in scores.tanh().softmax(limits: limits) }
                == ["its scores go to 'tanh', not to a softmax"])
        #expect(
            try reasons { scores, limits in
                scores.builder.output("scores", scores)
                return scores.softmax(limits: limits)
            } == ["its scores are an output of the graph"])
        let read = try reasons { scores, limits in
            let probabilities = scores.softmax(limits: limits)
            scores.builder.output("entropy", probabilities.log())
            return probabilities
        }
        #expect(read == ["a log outside the pattern reads its softmax as well"])
    }

    @Test func candidatesOfABackwardPassAreItsForwardProducts() throws {
        var graph = try graph()
        let parameters = graph.parameters.map { Value($0) }
        let gradients = try appendGradients(to: &graph, of: graph.outputs[0].value, withRespectTo: parameters)
        for (index, gradient) in gradients.enumerated() {
            graph.addOutput("d\(index)", try #require(gradient))
        }
        let decisions = try decisions(graph)
        #expect(decisions.count == 1)
        #expect(decisions.first?.isFused == true)
        #expect(decisions.first?.producer.op == "ragged_matmul")
        // Scores, probabilities and their gradients are not written and read.
        #expect((decisions.first?.bytesSaved ?? 0) > 0)
    }

    /// What the pass says about its candidates.
    private func decisions(_ graph: Graph) throws -> [FusionDecision] {
        let told = Mutex<[FusionDecision]>([])
        var graph = graph
        let context = PassContext { decision in told.withLock { $0.append(decision) } }
        _ = try Pass.attention.run(&graph, context)
        return told.withLock { $0 }
    }
}
