import Autodiff
import GraphIR
import Interpreter
import Synchronization
import Testing
import Transforms

@Suite struct RecomputeTests {
    private static let symbols = ["rows": 5]

    /// A residual network of equal layers with dropout: x + (dropout(gelu(x a)) b), between products of other shapes, and
    /// a sum of squares as loss.
    private static func network(layers: Int) throws -> Graph {
        try GraphBuilder.build("network") { g in
            var x = g.input("x", .f32, ["rows", 5]).matmul(g.parameter("first", [5, 8]))
            let rng = g.input("rng", .i64, [2])
            for layer in 0..<layers {
                let inner = x.matmul(g.parameter("a\(layer)", [8, 24])).gelu()
                x = x + g.dropout(inner, rate: 0.25, rng: rng).matmul(g.parameter("b\(layer)", [24, 8]))
            }
            let y = x.matmul(g.parameter("last", [8, 3]))
            g.output("loss", (y * y).sum())
        }
    }

    /// The network's training step after all passes.
    private static func step(
        _ recompute: Recompute, layers: Int = 6, disabled: Set<String> = [],
        context: PassContext = PassContext()
    ) throws -> Graph {
        var graph = try trainingStep(network(layers: layers), options: OptimizerOptions(maxGradientNorm: 1))
        let pipeline = PassPipeline.standard(rules: [], keeping: [], recompute: recompute)
        try pipeline.run(on: &graph, options: PassPipeline.Options(disabled: disabled, context: context))
        return graph
    }

    private static func results(_ graph: Graph) throws -> InterpreterResult {
        var random = RandomInputs(graph, symbols: symbols, seed: 3)
        return try Interpreter(graph: graph).run(random.tensors(), symbols: symbols)
    }

    /// Bytes of activations that live between the loss and the end, as the nodes' order has it.
    private static func heldByteCount(_ graph: Graph) throws -> Int {
        let loss = try #require(graph.outputs.first { $0.name == "loss" }).value.node
        let held = Set(
            graph.nodeIDs.filter { $0 > loss }.flatMap { graph[$0].operands }.filter { value in
                value.node <= loss && graph.type(of: value).shape.first?.symbol == "rows"
            })
        return held.reduce(0) { $0 + CostModel().byteCount(graph.type(of: $1)) }
    }

    @Test(arguments: [Recompute.layer, .every(1), .every(2), .every(4)], [Set<String>(), ["fusion"]])
    func keepsEveryBit(_ recompute: Recompute, _ disabled: Set<String>) throws {
        let plain = try Self.step(.none, disabled: disabled)
        let again = try Self.step(recompute, disabled: disabled)
        #expect(again.nodes.count > plain.nodes.count)
        let (expected, found) = (try Self.results(plain), try Self.results(again))
        #expect(found.outputs == expected.outputs && found.updates == expected.updates)
    }

    @Test(arguments: [Set<String>(), ["fusion"]]) func holdsLess(_ disabled: Set<String>) throws {
        let choices: [Recompute] = [.layer, .every(2), .every(3), .every(5), .none]
        let bytes = try choices.map { try Self.heldByteCount(try Self.step($0, disabled: disabled)) }
        #expect(bytes == bytes.sorted(), "larger groups leave more of the last layers alone: \(bytes)")
        #expect(bytes[0] * 2 < bytes[4])
    }

    /// A layer hands on one [rows, 8]; what is held of the others, and the nodes that run again, are explained.
    @Test func explainsWhatItDoes() throws {
        let log = Mutex<[RecomputeDecision]>([])
        let context = PassContext(explainRecompute: { decision in log.withLock { $0.append(decision) } })
        let graph = try Self.step(.layer, context: context)
        let decisions = log.withLock { $0 }
        #expect(decisions.count == 5)
        for decision in decisions {
            #expect(decision.bytesHeld < decision.bytesBefore && decision.operations > 0)
            #expect(!decision.nodes.isEmpty && decision.reader.label.hasSuffix("gradient"))
        }
        // The product behind the dropout is not needed again: what it adds to is held.
        let products = { (graph: Graph) in
            graph.nodes.reduce(0) { count, node in
                guard case .fusion(let region) = node.op else { return count + (node.isProduct ? 1 : 0) }
                return count + region.body.nodes.count(where: \.isProduct)
            }
        }
        #expect(try products(graph) - products(Self.step(.none)) == decisions.count)
    }

    @Test func nothingRepeatsNothingIsDone() throws {
        let plain = try Self.step(.none, layers: 1)
        #expect(Pass.layerCount(plain) == 0)
        #expect(try Self.step(.layer, layers: 1) == plain)
        #expect(try Self.step(.every(6)) == Self.step(.none), "the last group is held as it is")
        #expect(Pass.layerCount(try Self.step(.none)) == 6)
    }

    @Test func textForms() {
        for choice in [Recompute.none, .layer, .every(3), .auto] {
            #expect(Recompute(rawValue: choice.rawValue) == choice)
        }
        for text in ["every(0)", "every", "every(-1)", "layers", ""] {
            #expect(Recompute(rawValue: text) == nil)
        }
    }
}

extension Node {
    fileprivate var isProduct: Bool { if case .contraction(.matmul) = op { true } else { false } }
}
