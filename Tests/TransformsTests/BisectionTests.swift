import GraphIR
import Interpreter
import TestSupport
import Testing
import Transforms

/// Passes that are wrong on purpose are found, with the node that is.
@Suite struct BisectionTests {
    static let symbols = ["tokens": 3]

    static func graph() throws -> Graph {
        try GraphBuilder.build("g") { g in
            var x = g.input("x", .f32, ["tokens", 4])
            for layer in 0..<3 {
                x = g.scope("layer.\(layer)") {
                    let w = g.parameter("w\(layer)", [4, 4])
                    // Two scales, which `simplify` makes one: a new value that is no mistake.
                    return (x.matmul(w) * 2 * 0.75 + g.parameter("b\(layer)", [4])).gelu()
                }
            }
            g.output("y", x)
        }
    }

    /// Puts another function in the place of the last gelu, within regions as well.
    static let wrong = Pass("wrong") { (graph: inout Graph) throws(IRError) in
        graph = try exchangingLastGelu(of: graph)
        return true
    }

    private static func exchangingLastGelu(of graph: Graph) throws(IRError) -> Graph {
        var copy = Graph(name: graph.name)
        let last = graph.nodeIDs.last { graph[$0].op == .unary(.gelu) || graph[$0].holdsGelu }
        for id in graph.nodeIDs {
            var op = graph[id].op
            if id == last {
                if case .fusion(let region) = op {
                    op = .fusion(Region(body: try exchangingLastGelu(of: region.body)))
                } else {
                    op = .unary(.geluTanh)
                }
            }
            try copy.append(op, graph[id].operands, label: graph[id].label)
        }
        for output in graph.outputs { copy.addOutput(output.name, output.value) }
        for update in graph.updates { copy.addUpdate(of: update.parameter, to: update.value) }
        return copy
    }

    private func bisect(_ graph: Graph, _ passes: [Pass], symbols: [String: Int] = symbols) throws
        -> Bisection
    {
        var random = RandomInputs(graph, symbols: symbols)
        let inputs = random.tensors()
        return try Bisection.run(graph, passes: PassPipeline(passes), inputs: inputs, symbols: symbols)
            .bisection
    }

    @Test(arguments: 0..<20) func rightPassesAgree(_ seed: UInt64) throws {
        var graphs = RandomGraphGenerator(seed: seed)
        let graph = try graphs.graph(nodes: 40).graph
        let bisection = try bisect(
            graph, PassPipeline.standard.passes, symbols: ["tokens": 9, "sequences": 3, "length": 4])
        #expect(bisection.divergence == nil)
        #expect(bisection.stages.map(\.name) == PassPipeline.standard.passes.map(\.name))
    }

    @Test func passAndNodeAreNamed() throws {
        let bisection = try bisect(Self.graph(), [.simplify, .deadCode, Self.wrong, .commonSubexpressions])
        let divergence = try #require(bisection.divergence)
        #expect(divergence.stage == "wrong")
        #expect(divergence.result == "output \"y\"")
        #expect(divergence.place?.hasSuffix(" = gelu_tanh \"layer.2\"") == true)
        #expect(divergence.difference > 1e-5 && divergence.difference < 0.1)
        #expect(bisection.stages.map(\.name) == ["simplify", "dead-code", "wrong"])
        #expect(bisection.stages[0].difference < 1e-6)
    }

    @Test func newValuesThatAreRightAreNotBlamed() throws {
        let wrongAndMore = Pass("wrong-and-more") { (graph: inout Graph) throws(IRError) in
            _ = try Pass.simplify.run(&graph, PassContext())
            return try Self.wrong.run(&graph, PassContext())
        }
        let divergence = try #require(try bisect(Self.graph(), [wrongAndMore]).divergence)
        #expect(divergence.place?.hasSuffix(" = gelu_tanh \"layer.2\"") == true)
    }

    @Test func nodesWithinRegionsAreNamed() throws {
        let divergence = try #require(try bisect(Self.graph(), [.simplify, .fusion, Self.wrong]).divergence)
        #expect(divergence.stage == "wrong")
        let place = try #require(divergence.place)
        #expect(place.contains(" = matmul+mul+bias+gelu \"layer.2\", in it %"), "\(place)")
        #expect(place.hasSuffix(" = gelu_tanh \"layer.2\""), "\(place)")
    }

    @Test func wrongUpdatesAreNamed() throws {
        let graph = try GraphBuilder.build("update") { g in
            let w = g.parameter("w", [4])
            g.update(w, to: w.gelu())
        }
        let divergence = try #require(try bisect(graph, [Self.wrong]).divergence)
        #expect(divergence.result == "update of \"w\"")
    }

    @Test func differencesAreRelativeToTheLargestElement() {
        func tensor(_ values: Float...) -> HostTensor { HostTensor(values) }
        let expected = tensor(10, 1e-9)
        #expect(Bisection.difference(expected, expected) == 0)
        #expect(abs(Bisection.difference(tensor(10, 0.1), expected) - 0.01) < 1e-6)
        #expect(Bisection.difference(tensor(1e-9), tensor(0)) < 1e-5)
        #expect(Bisection.difference(tensor(.nan, 0), expected) == .infinity)
        #expect(Bisection.difference(tensor(10), expected) == .infinity)
        #expect(Bisection.difference(nil, expected) == .infinity)
        #expect(Bisection.difference(tensor(.nan, 0), tensor(.nan, 0)) == 0)
    }
}

extension Node {
    fileprivate var holdsGelu: Bool {
        if case .fusion(let region) = op {
            region.body.nodes.contains { $0.op == .unary(.gelu) }
        } else {
            false
        }
    }
}
