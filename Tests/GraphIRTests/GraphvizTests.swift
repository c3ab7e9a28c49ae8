import GraphIR
import Testing

@Suite struct GraphvizTests {
    /// x, then a region that computes relu(x + b), then exp.
    private func graph() throws -> Graph {
        let type = TensorType(.f32, ["rows", 4])
        var body = Graph(name: "add+relu")
        let x = Value(try body.append(.input(name: "0", type: type), []))
        let b = Value(try body.append(.input(name: "1", type: TensorType(.f32, [4])), []))
        let sum = Value(try body.append(.binary(.add), [x, b]))
        body.addOutput("0", Value(try body.append(.unary(.relu), [sum])))

        var graph = Graph(name: "a \"quoted\" name")
        let input = Value(try graph.append(.input(name: "x", type: type), []))
        let bias = Value(
            try graph.append(.parameter(name: "b", type: TensorType(.f32, [4]), role: .trainable), []))
        let region = Value(try graph.append(.fusion(Region(body: body)), [input, bias], label: "ffn"))
        graph.addOutput("y", Value(try graph.append(.unary(.exp), [region])))
        return graph
    }

    @Test func regionsAreClusters() throws {
        #expect(
            try graph().graphviz() == #"""
                digraph "a \"quoted\" name" {
                  node [shape=box, fontname=monospace]
                  n0 [label="input x"]
                  n1 [label="parameter b"]
                  subgraph cluster_2 {
                    label="add+relu\nffn" style=filled color=lightgrey
                    n2_0 [label="input 0" shape=point]
                    n2_1 [label="input 1" shape=point]
                    n2_2 [label="add"]
                    n2_3 [label="relu"]
                  }
                  n2_0 -> n2_2 [label="f32[rows, 4]"]
                  n2_1 -> n2_2 [label="f32[4]"]
                  n2_2 -> n2_3 [label="f32[rows, 4]"]
                  n3 [label="exp"]
                  n0 -> n2_0 [label="f32[rows, 4]"]
                  n1 -> n2_1 [label="f32[4]"]
                  n2_3 -> n3 [label="f32[rows, 4]"]
                  "output y" [shape=ellipse]
                  n3 -> "output y"
                }

                """#)
    }

    @Test func neighboursOfASelectionAreDashed() throws {
        #expect(
            try graph().graphviz { $0.index == 3 } == #"""
                digraph "a \"quoted\" name" {
                  node [shape=box, fontname=monospace]
                  n3 [label="exp"]
                  n2 [label="add+relu\nffn" style=dashed]
                  n2 -> n3 [label="f32[rows, 4]"]
                  "output y" [shape=ellipse]
                  n3 -> "output y"
                }

                """#)
    }

    @Test func textOfASelectionHasItsOutputs() throws {
        #expect(
            try graph().text { $0.index == 3 } == """
                %3 = exp %2 : f32[rows, 4]
                output "y" %3

                """)
    }
}
