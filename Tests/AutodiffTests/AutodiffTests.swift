import Autodiff
import GraphIR
import Interpreter
import Testing

@Suite struct AutodiffTests {
    /// The gradient nodes that `appendGradients` adds to a graph for its parameters named `names`.
    private func gradients(
        _ graph: Graph, of names: [String]
    ) throws -> (graph: Graph, new: [Node], gradients: [Value?]) {
        var extended = graph
        let values = names.compactMap { name in graph.parameters.first { graph[$0].op.parameterName == name }
        }
        let loss = try #require(graph.outputs.first { $0.name == "loss" }).value
        let gradients = try appendGradients(to: &extended, of: loss, withRespectTo: values.map { Value($0) })
        return (extended, Array(extended.nodes[graph.nodes.count...]), gradients)
    }

    private func tiedModel(_ embeddings: ParameterRole = .trainable) throws -> Graph {
        try GraphBuilder.build("tied") { g in
            let ids = g.input("ids", .i32, ["tokens"])
            let table = g.parameter("table", [9, 4], role: embeddings)
            let w = g.parameter("w", [4, 4])
            let hidden = g.scope("embed") { table.gather(ids) }
            let logits = g.scope("encoder") { hidden.matmul(w).tanh() }.matmul(table, transposeRight: true)
            g.output("loss", g.scope("loss") { logits.crossEntropy(labels: ids).mean() })
        }
    }

    @Test func sharedParameterSumsItsUses() throws {
        let (graph, new, gradients) = try gradients(tiedModel(), of: ["table"])
        let gradient = try #require(gradients[0])
        #expect(graph[gradient.node].op == .binary(.add))
        #expect(graph.type(of: gradient) == TensorType(.f32, [9, 4]))
        #expect(new.filter { $0.op == .scatterAdd(rows: 9) }.count == 1)
    }

    @Test func frozenParametersGetNoGradientNodes() throws {
        let (_, new, _) = try gradients(tiedModel(.frozen), of: ["w"])
        #expect(!new.contains { $0.op == .scatterAdd(rows: 9) }, "no gradient of the table")
        #expect(!new.contains { $0.label == "embed.gradient" }, "nothing on the way to the table is visited")
        let products = new.filter { if case .contraction(.matmul) = $0.op { true } else { false } }
        #expect(products.count == 2, "dhidden of the decoder and dw, no dtable and no dembedding")
    }

    @Test func gradientNodesAreLabelledAfterTheirForwardNode() throws {
        let (_, new, _) = try gradients(tiedModel(), of: ["table", "w"])
        #expect(Set(new.map(\.label)) == ["gradient", "embed.gradient", "encoder.gradient", "loss.gradient"])
    }

    @Test func nilWhereTheLossDoesNotDepend() throws {
        let graph = try GraphBuilder.build("g") { g in
            let (a, b) = (g.parameter("a", [3]), g.parameter("b", [3]))
            let c = g.parameter("c", [3])
            g.output("other", b.exp())
            g.output("loss", (a + g.compare(.gt, c, a).cast(.f32)).sum())
        }
        let (_, new, gradients) = try gradients(graph, of: ["a", "b", "c"])
        #expect(gradients.map { $0 != nil } == [true, false, false])
        #expect(!new.contains { $0.op == .unary(.exp) })
    }

    /// d/dx (x · stop_gradient(x)) = x: half of what x² has.
    @Test func aStoppedGradientIsNone() throws {
        let graph = try GraphBuilder.build("g") { g in
            let x = g.parameter("x", [3])
            g.output("loss", (x * x.stopGradient()).sum())
        }
        let (extended, _, found) = try gradients(graph, of: ["x"])
        var result = extended
        result.addOutput("dx", try #require(found[0]))
        let x = HostTensor([1, -2, 0.5] as [Float])
        #expect(try Interpreter(graph: result).run(["x": x]).outputs["dx"] == x)
    }

    @Test func valuesInsideTheGraphHaveGradientsToo() throws {
        var graph = try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["tokens", 4])
            g.output("y", x.exp())
            g.output("loss", x.exp().tanh().sum())
        }
        let tanh = try #require(graph.nodeIDs.first { graph[$0].op == .unary(.tanh) })
        let loss = try #require(graph.outputs.last).value
        let inner = graph[tanh].operands[0]
        let gradients = try appendGradients(
            to: &graph, of: loss, withRespectTo: [inner, Value(NodeID(0)), loss])
        #expect(gradients.compactMap { $0 }.map { graph.type(of: $0).rank } == [2, 2, 0])
    }

    @Test func lossMustBeAScalar() throws {
        var graph = try GraphBuilder.build("g") { g in g.output("loss", g.parameter("a", [3]).exp()) }
        let error = #expect(throws: IRError.self) {
            try appendGradients(to: &graph, of: graph.outputs[0].value, withRespectTo: [Value(NodeID(0))])
        }
        #expect(error?.description == "%1 = exp: a loss is f32[], got f32[3] [gradient]")
    }

    @Test func opWithoutARuleIsNamed() throws {
        var graph = try GraphBuilder.build("g") { g in
            let x = g.parameter("x", [3])
            let dx = g.scope("second") { g.apply(.unaryGradient(.gelu), [x, x]) }
            g.output("loss", dx.sum())
        }
        let before = graph
        let error = #expect(throws: IRError.self) {
            try appendGradients(to: &graph, of: graph.outputs[0].value, withRespectTo: [Value(NodeID(0))])
        }
        #expect(
            error?.description
                == "%1 = unary_gradient \"second\": 'unary_gradient' has no gradient rule [gradient]")
        #expect(graph == before)
    }
}

extension Op {
    /// The name of a parameter.
    var parameterName: String? {
        if case .source(.parameter(let name, _, _)) = self { name } else { nil }
    }
}
