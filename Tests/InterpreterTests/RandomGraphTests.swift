import GraphIR
import Interpreter
import TestSupport
import Testing

@Suite("Random graphs")
struct RandomGraphTests {
    @Test("they verify, run to finite values of order one, and survive the text form", arguments: 0..<40)
    func run(seed: UInt64) throws {
        var generator = RandomGraphGenerator(seed: seed, smooth: seed % 2 == 1)
        let (graph, inputs) = try generator.graph(nodes: 40)
        #expect(try Graph(parsing: graph.description) == graph)
        let result = try Interpreter(graph: graph).run(inputs)
        let values = result.outputs.values.flatMap(\.values)
        #expect(values.allSatisfy { $0.isFinite && abs($0) < 1000 })
        #expect(result.outputs["loss"]?.shape == [])
        #expect(result.updates.count == 3)
        let exact = try Interpreter(graph: graph, rounding: false).run(inputs)
        for (name, tensor) in result.outputs {
            #expect(close(tensor.values, try #require(exact.outputs[name]).values, 1e-3), "\(name)")
        }
    }

    @Test("the same seed gives the same graph, and one generator gives different ones")
    func determinism() throws {
        var (first, second) = (RandomGraphGenerator(seed: 5), RandomGraphGenerator(seed: 5))
        let (a, b) = (try first.graph(nodes: 20), try second.graph(nodes: 20))
        #expect(a.graph == b.graph && a.inputs == b.inputs)
        #expect(try first.graph(nodes: 20).graph != a.graph)
    }

    @Test("together they have every op")
    func coverage() throws {
        var generator = RandomGraphGenerator(seed: 1)
        var used: Set<String> = []
        for _ in 0..<90 { used.formUnion(try generator.graph(nodes: 60).graph.nodes.map(\.op.mnemonic)) }
        #expect(Set(Op.attributeNames.keys).subtracting(used).isEmpty)
    }
}
