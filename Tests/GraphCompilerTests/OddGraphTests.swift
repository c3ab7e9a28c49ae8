import GraphCompiler
import Interpreter
import Testing

/// Small legal graphs of kinds that a model seldom has: constants where kernels read memory, squares whose rows look like
/// columns, one column, operands that must be in memory.
@Suite struct OddGraphTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let inputs: [String: [Int]]
        let build: @Sendable (GraphBuilder) -> Void
    }

    static let cases = [
        Case(testDescription: "a constant as a product's left side", inputs: ["w": [40, 1]]) { g in
            let half = g.constant(0.5, TensorType(.f32, ["n", 15])).slice(axis: 1, start: 8, size: 1)
            let product = half.matmul(g.input("w", .f32, [40, 1]), transposeRight: true)
            g.output("y", product * 0.1 + g.size("n"))
        },
        Case(testDescription: "a constant as a product's right side", inputs: ["x": [5, 3]]) { g in
            g.output("y", g.input("x", .f32, ["n", 3]).matmul(g.constant(0.5, TensorType(.f32, [3, 40]))))
        },
        Case(
            testDescription: "a square as it is and transposed",
            inputs: ["x": [16, 16], "a": [16, 26], "b": [16, 26]]
        ) { g in
            let x = g.input("x", .f32, [16, 16])
            let (a, b) = (g.input("a", .f32, [16, 26]), g.input("b", .f32, [16, 26]))
            g.output("y", x.matmul(a) + x.matmul(b, transposeLeft: true))
        },
        Case(
            testDescription: "sums over the second of axes that end in one",
            inputs: ["x": [4, 4, 1], "z": [3, 3, 1, 1]]
        ) { g in
            let (x, z) = (g.input("x", .f32, [4, 4, 1]), g.input("z", .f32, [3, 3, 1, 1]))
            g.output("sum", x.sum(axes: [1]))
            g.output("kept", x.sum(axes: [1], keepDimensions: true))
            g.output("max", z.max(axes: [1]))
            g.output("more", z.max(axes: [1]) * 0.5 + 1)
        },
        Case(testDescription: "a constant times itself transposed", inputs: [:]) { g in
            let x = g.constant(0.6, TensorType(.f32, ["n", 4]))
            g.output("y", x.matmul(x, transposeLeft: true) * 0.05)
        },
        Case(testDescription: "sums over the first of three axes", inputs: ["x": [3, 1, 96], "z": [5, 96]]) {
            g in
            let x = g.input("x", .f32, [3, 1, 96]).broadcast(to: [3, "n", 96])
            g.output("y", x.sum(axes: [0]) + g.input("z", .f32, ["n", 96]))
        },
        Case(
            testDescription: "numbers that serve several rows",
            inputs: ["x": [5, 3, 10], "a": [5, 1], "b": [3], "c": [5, 3]]
        ) { g in
            let sums = g.input("x", .f32, ["n", 3, 10]).sum(axes: [2])
            let (a, b, c) = (
                g.input("a", .f32, ["n", 1]), g.input("b", .f32, [3]), g.input("c", .f32, ["n", 3])
            )
            g.output("y", (sums * 0.1 + a) * b - c)
        },
        Case(testDescription: "a constant as a table", inputs: ["ids": [5]]) { g in
            let table = g.constant(2, TensorType(.f32, ["n", 21])).reshaped(["n", 7, 3])
            g.output("y", table.gather(g.input("ids", .i32, ["n"])))
        },
        Case(testDescription: "rows of a sum", inputs: ["a": [5, 48], "b": [5, 48], "ids": [5]]) { g in
            let sum = g.input("a", .f32, ["n", 48]) + g.input("b", .f32, ["n", 48])
            g.output("y", sum + sum.gather(g.input("ids", .i32, ["n"])))
        },
        Case(testDescription: "dropout of one column", inputs: ["x": [5, 1], "rng": [2]]) { g in
            g.output(
                "y", g.dropout(g.input("x", .f32, ["n", 1]), rate: 0.25, rng: g.input("rng", .i64, [2])))
        },
        Case(testDescription: "greatest of the rows of a square", inputs: ["x": [36, 36]]) { g in
            let x = g.input("x", .f32, [36, 36])
            let greatest = x.max(axes: [1])
            g.output("part", (greatest * 0.1).slice(axis: 0, start: 18, size: 18))
            g.output("sum", x + greatest)
        },
        Case(testDescription: "as many classes as rows", inputs: ["x": [4, 4], "ids": [4]]) { g in
            let losses = g.input("x", .f32, [4, 4]).crossEntropy(labels: g.input("ids", .i32, [4]))
            g.output("losses", losses * 0.5)
        },
        Case(testDescription: "as many rows as columns", inputs: ["x": [12, 12], "w": [12]]) { g in
            let (x, w) = (g.input("x", .f32, [12, 12]), g.input("w", .f32, [12]))
            let normal = g.applyAll(.layerNorm(epsilon: 1e-5), [x, w, w])
            g.output("normal", normal[0] * w)
            g.output("mean", normal[1] + w)
        },
    ]

    @Test(arguments: cases) func agreesWithTheInterpreter(_ test: Case) throws {
        let graph = try GraphBuilder.build("odd", test.build)
        var numbers = Numbers()
        var inputs: [String: HostTensor] = [:]
        for (name, shape) in test.inputs.sorted(by: { $0.key < $1.key }) {
            inputs[name] =
                switch name {
                case "ids": numbers.integers(shape, 0..<4)
                case "rng": HostTensor(element: .i64, shape: shape, values: [7, 3])
                default: numbers.tensor(shape)
                }
        }
        for set in OpTests.instructionSets {
            for optimizes in [false, true] {
                try CompiledComparison(
                    graph: graph, inputs: inputs,
                    symbols: ["n": 5],
                    options: CompilerOptions(instructionSet: set, cache: .off), optimizes: optimizes
                ).check("\(set)")
            }
        }
    }
}
