import GraphIR
import Testing

@Suite("Verifier")
struct VerifierTests {
    @Test(
        "a text that breaks an invariant is refused with its name and place",
        arguments: [
            (
                "V1", 2, "%0 = input {name = \"x\"} : f32[2]\n%1 = add %0, %2",
                "'%2' is not defined before its use"
            ),
            (
                "V2", 2, "%0 = input {name = \"x\"} : f32[2]\n%1 = exp %0 : f32[3]",
                "the result is f32[2], not f32[3]"
            ),
            (
                "V3", 2,
                "%0 = input {name = \"x\"} : f32[2]\n%1 = parameter {name = \"x\", role = frozen} : f32[2]",
                "twice"
            ),
            ("V3", 1, "%0 = input {name = \"\"} : f32[2]", "empty"),
            ("V4", 2, "%0 = input {name = \"x\"} : f32[2]\noutput \"y\" %0\noutput \"y\" %0", "stands twice"),
            ("V5", 2, "%0 = parameter {name = \"w\", role = frozen} : f32[2]\nupdate %0 = %0", "frozen"),
            ("V5", 1, "%0 = input {name = \"x\"} : f32[2]\nupdate %0 = %0", "not a parameter"),
            (
                "V5", 3,
                "%0 = parameter {name = \"w\", role = state} : f32[2]\n%1 = constant {value = 1} : f32[3]\nupdate %0 = %1",
                "is f32[2], and its new value f32[3]"
            ),
            (
                "V5", 2,
                "%0 = parameter {name = \"w\", role = state} : f32[2]\nupdate %0 = %0\nupdate %0 = %0",
                "updated twice"
            ),
            (
                "V6", 4,
                """
                %rng = input {name = "rng"} : i64[2]
                %x = input {name = "x"} : f32[2]
                %y = dropout %x, %rng {rate = 0.1, stream = 3} %z = input {name = "z"} : f32[3]
                %w = dropout %z, %rng {rate = 0.1, stream = 3}
                """,
                "dropout stream 3"
            ),
        ])
    func texts(rule: String, line: Int, body: String, message: String) {
        let error = #expect(throws: IRError.self) {
            try Graph(parsing: "graph \"g\" {" + body + "\n}", file: "g.ir")
        }
        #expect(error?.rule == rule)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.place.hasPrefix("g.ir:\(line):") == true, "\(error?.place ?? "")")
    }

    @Test(
        "append refuses operands that do not exist (V1)",
        arguments: [
            Value(NodeID(1)), Value(NodeID(5)), Value(NodeID(-1)), Value(NodeID(0), result: 1),
            Value(NodeID(0), result: -1),
        ])
    func append(operand: Value) throws {
        var graph = Graph(name: "g")
        try graph.append(.input(name: "x", type: TensorType(.f32, [2])), [])
        let error = #expect(throws: IRError.self) { try graph.append(.unary(.exp), [operand]) }
        #expect(error?.rule == "V1")
        #expect(graph.nodes.count == 1)
    }

    @Test(
        "outputs and updates must name existing values (V4)",
        arguments: [Value(NodeID(1)), Value(NodeID(-1)), Value(NodeID(0), result: 1)])
    func roots(value: Value) throws {
        var graph = Graph(name: "g")
        try graph.append(.parameter(name: "w", type: TensorType(.f32, [2]), role: .state), [])
        var updated = graph
        graph.addOutput("y", value)
        updated.addUpdate(of: Value(NodeID(0)), to: value)
        #expect(throws: IRError("V4", "output \"y\" names no value")) { try graph.verify() }
        #expect(throws: IRError("V4", "an update names no value")) { try updated.verify() }
    }

    @Test("the same dropout stream may be used again for the same shape")
    func repeatedStream() throws {
        let graph = try GraphBuilder.build("g") { g in
            let (x, rng) = (g.input("x", .f32, ["n", 2]), g.input("rng", .i64, [2]))
            let y = g.apply(.dropout(rate: 0.5, stream: 7), [x, rng])
            g.output("y", g.apply(.dropout(rate: 0.5, stream: 7), [y, rng]))
        }
        #expect(graph.nodes.count == 4)
    }
}
