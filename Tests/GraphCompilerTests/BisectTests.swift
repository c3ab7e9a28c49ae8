import GraphCompiler
import Testing

/// `Compiler.bisect`: passes and kernels against the interpreter.
@Suite struct BisectTests {
    static let symbols = ["tokens": 9]

    private func bisect(_ graph: Graph, passes: PassPipeline = .standard) throws -> Bisection {
        try Compiler(CompilerOptions(threads: 2, cache: .off)).bisect(graph, symbols: Self.symbols, passes: passes)
    }

    @Test func trainingStepsAgree() throws {
        let forward = try GraphBuilder.build("mlp") { g in
            let x = g.input("x", .f32, ["tokens", 12])
            let hidden = (x.matmul(g.parameter("w", [12, 20])) + g.parameter("b", [20])).gelu()
            let logits = hidden.matmul(g.parameter("v", [20, 3]))
            g.output("loss", logits.crossEntropy(labels: g.input("labels", .i32, ["tokens"])).mean())
        }
        let bisection = try bisect(try trainingStep(forward, options: OptimizerOptions(maxGradientNorm: 1)))
        #expect(bisection.divergence == nil)
        #expect(bisection.stages.last?.name.hasPrefix("kernels for ") == true)
        #expect((bisection.stages.last?.difference ?? 0) > 0)
    }

    @Test func wrongPassIsNamedBeforeKernels() throws {
        let graph = try GraphBuilder.build("g") { g in g.output("y", g.input("x", .f32, ["tokens"]).tanh()) }
        let wrong = Pass("wrong") { (graph: inout Graph) throws(IRError) in
            var copy = Graph(name: graph.name)
            for node in graph.nodes {
                try copy.append(node.op == .unary(.tanh) ? .unary(.erf) : node.op, node.operands)
            }
            for output in graph.outputs { copy.addOutput(output.name, output.value) }
            graph = copy
            return true
        }
        let bisection = try bisect(graph, passes: PassPipeline([.simplify, wrong, .deadCode]))
        #expect(bisection.divergence?.stage == "wrong")
        #expect(bisection.divergence?.place == "%1 = erf")
        #expect(bisection.stages.count == 2)
    }

    /// Sums in f32 lose what the interpreter keeps: 1e8 + x - 1e8. That is no mistake, but the one difference that
    /// right kernels have.
    @Test func wrongKernelIsNamed() throws {
        let graph = try GraphBuilder.build("cancel") { g in
            let large = g.constant([1e8, -1e8] + Array(repeating: 0, count: 62), .f32, [64])
            let x = g.input("x", .f32, ["tokens", 64])
            g.output("z", x.tanh())
            g.output("y", g.scope("cancel") { (x + large).sum(axes: [1]) })
        }
        let divergence = try #require(try bisect(graph, passes: PassPipeline([.simplify])).divergence)
        #expect(divergence.stage.hasPrefix("kernels for "))
        #expect(divergence.result == "output \"y\"")
        #expect(divergence.place?.hasSuffix(" = reduce_sum \"cancel\"") == true)
    }

    @Test func whatItTakesGrowsWithTheGraph() throws {
        func seconds(_ width: Dimension) throws -> Double {
            let graph = try GraphBuilder.build("wide") { g in
                g.output("y", g.input("x", .f32, ["tokens", width]).matmul(g.parameter("w", [width, width])))
            }
            return try Compiler(CompilerOptions(cache: .off)).bisectionSeconds(graph, symbols: Self.symbols)
        }
        #expect(try seconds(8) < 0.01)
        #expect(try seconds(30_000) > 60)
    }
}
