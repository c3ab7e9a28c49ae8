import GraphIR
import Interpreter
import TestSupport
import Testing

@Suite struct RandomInputsTests {
    static let symbols = ["tokens": 9, "sequences": 3, "length": 4]

    /// The interpreter refuses ids, labels and sequences that do not fit.
    @Test(arguments: 0..<40) func interpretersTakeThem(_ seed: UInt64) throws {
        var graphs = RandomGraphGenerator(seed: seed)
        let graph = try graphs.graph(nodes: 40).graph
        var random = RandomInputs(graph, symbols: Self.symbols, seed: seed)
        let inputs = random.tensors()
        let result = try Interpreter(graph: graph).run(inputs)
        #expect(result.outputs.values.allSatisfy { $0.values.allSatisfy(\.isFinite) })
    }

    @Test func integersAreWhatTheyAreUsedAs() throws {
        let graph = try GraphBuilder.build("uses") { g in
            let offsets = g.input("offsets", .i32, [.symbol("sequences", offset: 1)])
            let lengths = g.input("lengths", .i32, ["sequences"])
            let x = g.parameter("table", [5, 2]).gather(g.input("ids", .i32, ["tokens"]))
            let first = x.gather(offsets.slice(axis: 0, start: 0, size: "sequences"))
            let summed = x.segmentSum(offsets: offsets, lengths: lengths)
            g.output("y", (first + summed).crossEntropy(labels: g.input("labels", .i32, ["sequences"])))
        }
        var random = RandomInputs(graph, symbols: Self.symbols)
        let inputs = random.tensors()
        #expect(inputs["offsets"]?.values == [0, 3, 6, 9])
        // The second sequence ends in padding.
        #expect(inputs["lengths"]?.values == [3, 2, 3])
        #expect(inputs["ids"]?.values.allSatisfy((0..<5).contains) == true)
        #expect(inputs["labels"]?.values.allSatisfy((0..<2).contains) == true)
        var again = RandomInputs(graph, symbols: Self.symbols)
        #expect(again.tensors() == inputs)
    }

    @Test func regionsCountAsUses() throws {
        let graph = try Graph(
            parsing: """
                graph "region" {
                  %0 = parameter {name = "table", role = frozen} : f32[3, 2]
                  %1 = input {name = "ids"} : i32[40]
                  %2 = fusion %0, %1 {name = "gather+exp"} : f32[40, 2] {
                    %0 = input {name = "0"} : f32[3, 2]
                    %1 = input {name = "1"} : i32[40]
                    %2 = gather %0, %1 : f32[40, 2]
                    %3 = exp %2 : f32[40, 2]
                    output "0" %3
                  }
                  output "y" %2
                }
                """)
        var random = RandomInputs(graph, symbols: [:])
        #expect(Set(random.tensors()["ids"]?.values ?? []) == [0, 1, 2])
    }
}
