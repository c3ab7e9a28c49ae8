import GraphIR
import Testing

@Suite("Graph builder")
struct BuilderTests {
    @Test("expressions become nodes whose text is the documented example")
    func expressions() throws {
        let graph = try GraphBuilder.build("mlp") { g in
            let x = g.input("x", .f32, ["tokens", 384])
            let w = g.parameter("w", [384, 1536])
            let b = g.parameter("b", [1536])
            g.scope("ffn") { g.output("y", (x.matmul(w) + b).gelu()) }
        }
        #expect(
            graph.description == """
                graph "mlp" {
                  %0 = input {name = "x"} : f32[tokens, 384]
                  %1 = parameter {name = "w", role = trainable} : f32[384, 1536]
                  %2 = parameter {name = "b", role = trainable} : f32[1536]
                  %3 = matmul %0, %1 {transpose_left = false, transpose_right = false} : f32[tokens, 1536] @ "ffn"
                  %4 = add %3, %2 : f32[tokens, 1536] @ "ffn"
                  %5 = gelu %4 : f32[tokens, 1536] @ "ffn"
                  output "y" %5
                }

                """)
    }

    @Test("the first mistake is the one that is thrown, with the op and its label")
    func firstMistake() throws {
        let error = #expect(throws: IRError.self) {
            try GraphBuilder.build("wrong") { g in
                let x = g.input("x", .f32, ["tokens", 4])
                let bad = g.scope("layer") { x.matmul(g.parameter("w", [5, 6])) }
                // None of these may trap on the stand-in for the bad value.
                let after = bad.mean(axes: [1]).sum(axes: [7]).reshaped([3]).transposed([4])
                g.update(after, to: bad)
                g.output("y", after + bad)
            }
        }
        #expect(error?.rule == "type")
        #expect(error?.place == "matmul \"layer\"")
        #expect(error?.message.contains("inner extents 4 and 5 differ") == true)
    }

    @Test("a stand-in for what could not be built may be asked for any axis")
    func standIn() {
        let error = #expect(throws: IRError.self) {
            try GraphBuilder.build("wrong") { g in
                let x = g.input("x", .f32, ["tokens", 4])
                let bad = x.reshaped([3])
                let segments = (g.input("offsets", .i32, [2]), g.input("lengths", .i32, [1]))
                let y = g.plainAttention(
                    AttentionOperands(
                        q: bad, k: bad, v: bad, offsets: segments.0, lengths: segments.1), scale: 1)
                g.output("y", y.reshaped([bad.shape[0], y.shape[2]]))
            }
        }
        #expect(error?.place == "reshape")
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let message: String
        let build: @Sendable (GraphBuilder) -> Void
        var testDescription: String { message }
    }

    @Test(
        "numbers that mean nothing are refused",
        arguments: [
            Wrong(message: "nan is not a number that i32 holds") { g in g.output("y", g.scalar(.nan, .i32)) },
            Wrong(message: "3000000000.0 is not a number that i32 holds") { g in
                g.output("y", g.scalar(3e9, .i32))
            },
            Wrong(message: "1.5 is not a number that i64 holds") { g in
                g.output("y", g.constant([1, 1.5], .i64, [2]))
            },
            Wrong(message: "rate -1.0 must be in [0, 1)") { g in
                g.output("y", g.dropout(g.scalar(1), rate: -1, rng: g.input("rng", .i64, [2])))
            },
            Wrong(message: "label smoothing 5.0 must be in [0, 1]") { g in
                let logits = g.input("logits", .f32, [2, 3])
                g.output(
                    "y", logits.crossEntropy(labels: g.input("labels", .i32, [2]), labelSmoothing: 5))
            },
            Wrong(message: "epsilon -1.0 must be a number of at least 0") { g in
                let gamma = g.parameter("gamma", [3])
                g.output("y", g.input("x", .f32, [2, 3]).layerNorm(gamma: gamma, beta: gamma, epsilon: -1))
            },
            Wrong(message: "more than 1099511627776 elements") { g in
                g.output("y", g.input("x", .f32, [3, .fixed(1 << 40)]))
            },
            Wrong(message: "has no value 0 of node 77") { g in
                g.output("y", g.tensor(Value(NodeID(77))) + 1)
            },
        ])
    func meaninglessNumbers(_ wrong: Wrong) {
        let error = #expect(throws: IRError.self) { try GraphBuilder.build("wrong", wrong.build) }
        #expect(error?.message.contains(wrong.message) == true, "\(String(describing: error))")
    }

    @Test("an axis that does not exist is an error of the reduction")
    func meanOverMissingAxis() {
        #expect(throws: IRError.self) {
            try GraphBuilder.build("wrong") { g in g.output("y", g.input("x", .f32, [2]).mean(axes: [3])) }
        }
    }

    @Test("results, operands and uses are countable")
    func uses() throws {
        let graph = try GraphBuilder.build("uses") { g in
            let x = g.input("x", .f32, ["n", 2])
            let norm = g.applyAll(
                .layerNorm(epsilon: 1e-5), [x, g.parameter("gamma", [2]), g.parameter("beta", [2])])
            g.output("y", norm[0] + norm[0])
            g.output("mean", norm[1])
        }
        let counts = graph.useCounts()
        let norm = NodeID(3)
        #expect(graph[norm].types.map(\.description) == ["f32[n, 2]", "f32[n]", "f32[n]"])
        #expect(counts[Value(norm)] == 2)
        #expect(counts[Value(norm, result: 1)] == 1)
        #expect(counts[Value(norm, result: 2)] == nil)
        #expect(graph.symbols == ["n"])
        #expect(graph.inputs == [NodeID(0)] && graph.parameters == [NodeID(1), NodeID(2)])
    }

    @Test("a builder that extends a graph takes fresh dropout streams")
    func dropoutStreams() throws {
        let first = GraphBuilder("dropout")
        let (x, rng) = (first.input("x", .f32, [4]), first.input("rng", .i64, [2]))
        _ = first.dropout(x, rate: 0.1, rng: rng)
        let second = GraphBuilder(extending: try first.finish())
        let y = second.dropout(second.tensor(x.value), rate: 0.1, rng: second.tensor(rng.value))
        #expect(second.graph[y.value.node].op == .dropout(rate: 0.1, stream: 1))
    }

    @Test(
        "dimensions print as the grammar has them",
        arguments: [
            (Dimension.fixed(384), "384"), ("tokens", "tokens"), (.symbol("s", offset: 1), "s+1"),
            (.symbol("t", scale: 12), "12*t"), (.symbol("t", scale: 2, offset: -3), "2*t-3"),
        ])
    func dimensions(dimension: Dimension, text: String) {
        #expect(dimension.description == text)
    }

    @Test("affine dimensions evaluate, and saturate instead of overflowing")
    func extents() {
        let dimension = Dimension.symbol("n", scale: 3, offset: 2)
        #expect(dimension.extent(["n": 4]) == 14)
        #expect(dimension.extent([:]) == nil)
        #expect(dimension.extent(["n": .max]) == .max)
        #expect((dimension * .max).offset == .max)
    }
}
