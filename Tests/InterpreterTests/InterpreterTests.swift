import GraphIR
import Interpreter
import Testing

@Suite("Interpreter")
struct InterpreterTests {
    /// y = x w over packed tokens, and w := 2 w.
    private func graph() throws -> Graph {
        try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["tokens", 2])
            _ = g.input("offsets", .i32, [.symbol("sequences", offset: 1)])
            _ = g.input("pairs", .i32, [.symbol("tokens", scale: 2)])
            let w = g.parameter("w", [2, 1])
            g.output("y", x.matmul(w))
            g.output("count", g.size("sequences"))
            g.update(w, to: w * 2)
        }
    }

    private let inputs = [
        "x": f32([1, 2, 3, 4, 5, 6], [3, 2]), "offsets": i32([0, 2, 3]), "pairs": i32([0, 0, 0, 0, 0, 0]),
        "w": f32([10, 1], [2, 1]),
    ]

    @Test("outputs by name, updates by parameter, symbols from shapes, values on request")
    func run() throws {
        let interpreter = Interpreter(graph: try graph())
        let result = try interpreter.run(inputs, keepValues: true)
        #expect(result.outputs == ["y": f32([12, 34, 56], [3, 1]), "count": .scalar(2)])
        #expect(result.updates == ["w": f32([20, 2], [2, 1])])
        #expect(result.symbols == ["tokens": 3, "sequences": 2])
        #expect(result.values.count == interpreter.graph.nodes.count)
        #expect(result.values[4] == [f32([12, 34, 56], [3, 1])])
        #expect(try interpreter.run(inputs).values.isEmpty)
    }

    @Test(
        "inputs that do not fit are refused by name",
        arguments: [
            ("x", nil, "input \"x\": no tensor was given; it needs f32[tokens, 2]"),
            ("w", nil, "parameter \"w\": no tensor was given; it needs f32[2, 1]"),
            ("x", i32([1, 2], [1, 2]), "input \"x\": needs f32[tokens, 2], got i32[1, 2]"),
            ("x", f32([1, 2]), "input \"x\": needs f32[tokens, 2], got f32[2]"),
            (
                "x", f32([1, 2, 3], [1, 3]),
                "input \"x\", axis 1 of f32[tokens, 2]: needs the extent 2, got 3"
            ),
            ("x", f32([1], [1, 2]), "input \"x\": 1 values do not fill [1, 2]"),
            ("x", f32([1], [-1, 2]), "input \"x\", axis 0 of f32[tokens, 2]: the extent -1 is negative"),
            (
                "pairs", i32([0, 0, 0, 0]),
                "input \"pairs\", axis 0 of i32[2*tokens]: 'tokens' would be 2 here but is 3 from input \"x\", "
                    + "axis 0 of f32[tokens, 2]"
            ),
            (
                "pairs", i32([0, 0, 0]),
                "input \"pairs\", axis 0 of i32[2*tokens]: no value of 'tokens' makes 2*tokens = 3"
            ),
            (
                "offsets", i32([]),
                "input \"offsets\", axis 0 of i32[sequences+1]: no value of 'sequences' makes sequences+1 = 0"
            ),
        ] as [(String, HostTensor?, String)])
    func misfits(name: String, tensor: HostTensor?, message: String) throws {
        let interpreter = Interpreter(graph: try graph())
        var changed = inputs
        changed[name] = tensor
        let error = #expect(throws: InterpreterError.self) { try interpreter.run(changed) }
        #expect(error?.description == message)
    }

    @Test("a symbol that no input fixes must be given, and given symbols must agree")
    func givenSymbols() throws {
        let free = Interpreter(
            graph: try GraphBuilder.build("g") { g in g.output("y", g.constant(1, TensorType(.f32, ["n"]))) })
        let error = #expect(throws: InterpreterError.self) { try free.run([:]) }
        #expect(
            error?.description
                == "%0 = constant: 'n' is fixed by no input shape; give it a value in 'symbols'")
        #expect(try free.run([:], symbols: ["n": 2]).outputs["y"] == f32([1, 1]))
        #expect(throws: InterpreterError.self) { try free.run([:], symbols: ["n": -1]) }
        #expect(throws: InterpreterError.self) { try free.run([:], symbols: ["n": .max]) }
        let interpreter = Interpreter(graph: try graph())
        #expect(throws: InterpreterError.self) { try interpreter.run(inputs, symbols: ["tokens": 4]) }
    }

    @Test("a symbolic slice that would be negative is refused at the node")
    func negativeExtent() throws {
        let graph = try GraphBuilder.build("g") { g in
            g.output("y", g.input("x", .f32, ["n"]).slice(axis: 0, start: 0, size: .symbol("n", offset: -3)))
        }
        let interpreter = Interpreter(graph: graph)
        #expect(try interpreter.run(["x": f32([1, 2, 3, 4])]).outputs["y"] == f32([1]))
        #expect(throws: InterpreterError("n-3 = -1 is negative", at: "%1 = slice")) {
            try interpreter.run(["x": f32([1, 2])])
        }
    }

    @Test("rounding each node to its type, or keeping Double throughout")
    func rounding() throws {
        let graph = try GraphBuilder.build("g") { g in g.output("y", g.input("x", .f32, []) + 0x1p-30) }
        let x = ["x": HostTensor.scalar(1)]
        #expect(try Interpreter(graph: graph).run(x).outputs["y"]?.values == [1])
        #expect(try Interpreter(graph: graph, rounding: false).run(x).outputs["y"]?.values == [1 + 0x1p-30])
    }
}
