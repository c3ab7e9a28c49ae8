import GraphIR
import Interpreter
import Support
import TestSupport
import Testing
import Transforms

@Suite struct CustomOpTests {
    private func graph() throws -> Graph {
        try GraphBuilder.build("custom") { g in
            let x = g.input("x", .f32, ["rows", 3])
            let w = g.parameter("w", [3, 3])
            let h = g.scope("block") { g.custom(Custom.mish, [x.matmul(w)])[0] }
            let both = g.custom(Custom.productAndSum, [h, x], ["scale": .float(3)])
            g.output("loss", (both[0] * both[1]).sum())
            g.update(w, to: w + g.custom(Custom.nested, [w])[0])
        }
    }

    private var inputs: [String: HostTensor] {
        var generator = SplitMix64(seed: 5)
        return [
            "x": .random([4, 3], -2...2, &generator), "w": .random([3, 3], -1...1, &generator),
        ]
    }

    @Test func decompositionMeansTheSame() throws {
        var graph = try GraphBuilder.build("same") { g in
            let x = g.input("x", .f32, ["rows", 3])
            for (index, y) in g.custom(Custom.productAndSum, [x, g.custom(Custom.mish, [x])[0]]).enumerated()
            {
                g.output("\(index)", y)
            }
        }
        let expected = try Interpreter(graph: graph, rounding: false).run(inputs)
        #expect(try Pass.decomposeCustom().run(&graph, PassContext()))
        #expect(!graph.description.contains("custom."))
        let actual = try Interpreter(graph: graph, rounding: false).run(inputs)
        for (name, tensor) in expected.outputs {
            for (a, b) in zip(try #require(actual.outputs[name]).values, tensor.values) {
                #expect(abs(a - b) < 1e-12)
            }
        }
    }

    @Test func decompositionKeepsLabelsUpdatesAndInnerOps() throws {
        var graph = try graph()
        try PassPipeline([.decomposeCustom()]).run(on: &graph)
        #expect(!graph.description.contains("custom."))
        #expect(graph.nodes.contains { $0.op == .unary(.tanh) && $0.label == "block" })
        #expect(graph.nodes.contains { $0.op == .unary(.abs) })
        #expect(graph.updates.count == 1)
    }

    @Test func opsWithAKernelStay() throws {
        var graph = try graph()
        let unfused = PassPipeline.Options(disabled: PassPipeline.fusionPasses)
        try PassPipeline.standard(rules: [], keeping: [Custom.mish]).run(on: &graph, options: unfused)
        let kept = graph.nodes.filter { if case .custom = $0.op { true } else { false } }
        #expect(kept.map(\.op.mnemonic) == ["custom.mish", "custom.mish"])
    }

    @Test func equalCustomOpsMergeAndConstantOnesFold() throws {
        var graph = try GraphBuilder.build("merge") { g in
            let x = g.input("x", .f32, [2])
            let c = g.constant([1, 2], .f32, [2])
            g.output("sum", g.custom(Custom.mish, [x])[0] + g.custom(Custom.mish, [x])[0])
            g.output("folded", g.custom(Custom.mish, [c])[0])
        }
        try PassPipeline([.constantFolding, .commonSubexpressions, .deadCode]).run(on: &graph)
        #expect(graph.nodes.count { $0.op.mnemonic == "custom.mish" } == 1)
        #expect(graph.nodes.count == 4)
    }

    @Test func newDropoutStreamsDiffer() throws {
        let noisy = CustomOpDefinition(
            "noisy", shape: { _, types in [types[0]] }, evaluate: { _, x in [x[0].values] },
            decomposition: { _, x in [x[0].builder.dropout(x[0], rate: 0.5, rng: x[1])] })
        var graph = try GraphBuilder.build("noisy") { g in
            let x = g.input("x", .f32, [2, 8])
            let rng = g.input("rng", .i64, [2])
            let y = g.custom(noisy, [g.custom(noisy, [x, rng])[0], rng])[0]
            g.output("y", g.dropout(y, rate: 0.5, rng: rng))
        }
        try PassPipeline([.decomposeCustom()]).run(on: &graph)
        let streams = graph.nodes.compactMap { node -> Int? in
            if case .dropout(let dropout) = node.op { dropout.stream } else { nil }
        }
        #expect(streams.count == 3)
        #expect(Set(streams).count == 3)
    }

    // MARK: Mistakes of the definition

    @Test func mistakesNameTheNode() throws {
        let wrongType = try Custom.error(Custom.bad(decomposition: { _, x in [x[0].sum()] })) {
            try PassPipeline.standard.run(on: &$0)
        }
        #expect(
            wrongType == "in decompose-custom: %1 = custom.bad \"here\": its decomposition gives f32[], "
                + "but its shape rule f32[2] [custom]")
        let misbuilt = try Custom.error(Custom.bad(decomposition: { _, x in [x[0].matmul(x[0])] })) {
            try PassPipeline.standard.run(on: &$0)
        }
        #expect(misbuilt.hasPrefix("in decompose-custom: %1 = custom.bad \"here\": matmul \"here\": "))
        let values = try Custom.error(Custom.bad()) {
            _ = try Interpreter(graph: $0).run(["w": HostTensor([1, 2] as [Float])])
        }
        #expect(values == "%1 = custom.bad \"here\": its evaluation gives [0] values for shapes [[2]]")
    }

    @Test func aDecompositionThatHoldsItselfIsRefused() throws {
        final class Box: @unchecked Sendable { var definition: CustomOpDefinition? }
        let box = Box()
        let endless = Custom.bad(decomposition: { _, x in x[0].builder.custom(box.definition!, x) })
        box.definition = endless
        defer { box.definition = nil }
        let message = try Custom.error(endless) { try PassPipeline.standard.run(on: &$0) }
        #expect(message.contains("custom.bad \"here\": its decomposition holds itself"))
    }
}
