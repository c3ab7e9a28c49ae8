import GraphCompiler
import GraphIR
import Testing

/// Graphs far larger than a model's: the passes and the lowering take time in proportion, and no recursion is as deep
/// as the graph.
@Suite struct LargeGraphTests {
    /// Graphs of about `count` nodes.
    enum Form: String, CaseIterable {
        case chain, wide, sums, inputs, products, layers

        func graph(_ count: Int) throws -> Graph {
            try GraphBuilder.build(rawValue) { g in
                let x = g.input("x", .f32, [8, 16])
                switch self {
                case .chain: g.output("y", (0..<count).reduce(x) { y, _ in y.tanh() })
                case .wide:
                    for index in 0..<count / 2 { g.output("y\(index)", (x + Double(index)).tanh()) }
                case .sums:
                    g.output("y", (0..<count / 3).reduce(x) { $0 + (x * (1 + Double($1))).exp() })
                case .inputs:
                    g.output("y", (0..<count / 2).reduce(x) { $0 + g.input("x\($1)", .f32, [16]) })
                case .products:
                    let w = g.parameter("w", [16, 16])
                    g.output("y", (0..<count).reduce(x) { y, _ in y.matmul(w) })
                case .layers:
                    g.output(
                        "y",
                        (0..<count / 4).reduce(x) { $0 + $0.matmul(g.parameter("w\($1)", [16, 16])).tanh() })
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Form.allCases)
    func timeIsInProportion(_ form: Form) throws {
        let compiler = try Compiler(CompilerOptions(threads: 1, cache: .off))
        _ = try compiler.lower(compiler.optimize(form.graph(1000)))
        let clock = ContinuousClock()
        let small = try form.graph(1500)
        let large = try form.graph(6000)
        let few = try clock.measure { _ = try compiler.lower(compiler.optimize(small)) }
        let many = try clock.measure { _ = try compiler.lower(compiler.optimize(large)) }
        // Four times as much work; quadratic would be sixteen times.
        #expect(many < few * 9, "\(few) and \(many)")
    }

    @Test func regionsHaveASize() throws {
        let compiler = try Compiler(CompilerOptions(threads: 1, cache: .off))
        let optimized = try compiler.optimize(Form.chain.graph(5000))
        let sizes = optimized.nodes.compactMap { node in
            if case .fusion(let region) = node.op { region.body.nodes.count } else { nil }
        }
        #expect(sizes.count == 5 && sizes.allSatisfy { $0 <= 1100 }, "\(sizes)")
    }

    /// A region from a file may be longer than those that the pass makes.
    @Test func longRegionsAreLowered() throws {
        let steps = (1..<20_000).map { "    %\($0) = neg %\($0 - 1)" }.joined(separator: "\n")
        let graph = try Graph(
            parsing: """
                graph "long" {
                  %x = input {name = "x"} : f32[4]
                  %y = fusion %x {name = "long"} : f32[4] {
                    %0 = input {name = "0"} : f32[4]
                \(steps)
                    output "0" %19999
                  }
                  output "y" %y
                }
                """)
        let compiler = try Compiler(CompilerOptions(threads: 1, cache: .off))
        #expect(try compiler.lower(compiler.optimize(graph)).launches.count == 1)
    }
}
