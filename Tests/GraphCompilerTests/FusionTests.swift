import GraphCompiler
import Interpreter
import Testing

/// Every kind of region: the kernel that a graph becomes, and its results against the interpreter's on the graph
/// before fusion.
@Suite struct FusionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Names of kernels that must be there.
        let kernels: [String]
        /// How many launches the graph takes.
        let launches: Int
        var tolerance = 1e-5
        /// Differentiates the graph and adds the optimiser.
        var trains = false
        var optimizer = OptimizerOptions(maxGradientNorm: 0.5)
        let build: @Sendable (GraphBuilder) throws -> Void

        var testDescription: String { name }

        func graph() throws -> Graph {
            let graph = try GraphBuilder.build(name, build)
            return trains ? try trainingStep(graph, options: optimizer) : graph
        }

        func inputs(_ graph: Graph, _ tokens: Int) -> [String: HostTensor] {
            FusionTests.inputs(graph, tokens)
        }
    }

    private static let hidden = 20
    private static let rows: Dimension = "tokens"

    private static func x(_ g: GraphBuilder, _ name: String = "x", _ width: Int = hidden) -> Tensor {
        g.input(name, .f32, [rows, .fixed(width)])
    }

    private static func w(_ g: GraphBuilder, _ name: String, _ shape: Int...) -> Tensor {
        g.parameter(name, shape.map(Dimension.fixed))
    }

    private static func norm(_ g: GraphBuilder, _ x: Tensor, _ name: String) -> Tensor {
        x.layerNorm(gamma: w(g, "\(name).gamma", hidden), beta: w(g, "\(name).beta", hidden), epsilon: 1e-5)
    }

    private static let activations: [Case] = [UnaryFunction.gelu, .geluTanh, .relu, .silu, .tanh].map { f in
        Case(name: "matmul+bias+\(f)", kernels: ["matmul+bias+\(f.rawValue)"], launches: 1) { g in
            g.output("y", (x(g).matmul(w(g, "w", hidden, 70)) + w(g, "b", 70)).map(f))
        }
    }

    static let cases: [Case] =
        activations + [
            Case(
                name: "residual and row statistics",
                kernels: ["matmul+bias+dropout+residual+rowstats+layernorm"], launches: 1
            ) { g in
                let rng = g.input("rng", .i64, [2])
                let y = x(g).matmul(w(g, "w", hidden, hidden), transposeRight: true) + w(g, "b", hidden)
                g.output("y", norm(g, x(g, "r") + g.dropout(y, rate: 0.25, rng: rng), "norm"))
            },
            Case(
                name: "LayerNorm on the way in", kernels: ["rowstats+layernorm+matmul+bias"], launches: 1
            ) { g in
                g.output("y", norm(g, x(g), "norm").matmul(w(g, "w", hidden, 70)) + w(g, "b", 70))
            },
            Case(name: "products of one operand", kernels: ["matmul*3+bias"], launches: 1) { g in
                let input = x(g)
                for name in ["q", "k", "v"] {
                    g.output(name, input.matmul(w(g, "w\(name)", hidden, 70)) + w(g, "b\(name)", 70))
                }
            },
            Case(name: "gated unit", kernels: ["matmul*2+silu+mul"], launches: 1) { g in
                let input = x(g)
                g.output(
                    "y", input.matmul(w(g, "w", hidden, 70)).silu() * input.matmul(w(g, "v", hidden, 70)))
            },
            Case(name: "sum of products", kernels: ["matmul*2+tanh"], launches: 1) { g in
                let sum = x(g).matmul(w(g, "w", hidden, 70)) + x(g, "z", 9).matmul(w(g, "v", 9, 70))
                g.output("y", sum.tanh())
            },
            Case(
                name: "embeddings", kernels: ["gather+add+rowstats+layernorm+dropout"], launches: 1
            ) { g in
                let ids = g.input("ids", .i32, [rows])
                let rng = g.input("rng", .i64, [2])
                let sum = w(g, "words", 7, hidden).gather(ids) + w(g, "types", 7, hidden).gather(ids)
                g.output("y", g.dropout(norm(g, sum, "norm"), rate: 0.1, rng: rng))
            },
            Case(
                name: "cross-entropy and its gradient",
                kernels: ["matmul+bias+cross_entropy+total+dcross_entropy+colsum"], launches: 12, trains: true
            ) { g in
                let logits = x(g).matmul(w(g, "w", hidden, 7)) + w(g, "b", 7)
                g.output("loss", logits.crossEntropy(labels: g.input("ids", .i32, [rows])).mean())
            },
            Case(
                name: "a feed-forward block trains",
                kernels: [
                    "layernorm+matmul+bias+gelu", "matmul+dgelu+colsum", "matmul+mul+total",
                    "layernorm+matmul+mul+total", "adamw+pack",
                ], launches: 15, tolerance: 5e-5, trains: true
            ) { g in
                let input = x(g)
                let normal = norm(g, input, "norm")
                let h = (normal.matmul(w(g, "w1", 70, hidden), transposeRight: true) + w(g, "b1", 70)).gelu()
                let y = h.matmul(w(g, "w2", hidden, 70), transposeRight: true) + w(g, "b2", hidden) + input
                g.output("loss", (y * y).mean())
            },
            Case(
                name: "LAMB, of a scaled loss, with an average of the weights",
                kernels: ["adamw+sub+mul+residual+pack"], launches: 13, tolerance: 5e-5, trains: true,
                optimizer: OptimizerOptions(.lamb, maxGradientNorm: 0.5, averageDecay: 0.9, scalesLoss: true)
            ) { g in
                let y = (x(g).matmul(w(g, "w", hidden, 70)) + w(g, "b", 70)).tanh()
                g.output("loss", (y * y).mean())
            },
            // A last bit of f32 may round a moment the other way.
            Case(
                name: "moments in bf16",
                kernels: ["adamw+round+pack"], launches: 9, tolerance: 5e-3, trains: true,
                optimizer: OptimizerOptions(states: .bf16, maxGradientNorm: 0.5)
            ) { g in
                let y = (x(g).matmul(w(g, "w", hidden, 70)) + w(g, "b", 70)).tanh()
                g.output("loss", (y * y).mean())
            },
            Case(
                name: "a table trains of which a batch touches a few rows",
                kernels: ["coalesce", "scatter_add", "gather+adamw"], launches: 10, tolerance: 5e-5,
                trains: true
            ) { g in
                let rows = w(g, "table", 1100, hidden).gather(g.input("ids", .i32, [rows])).tanh()
                g.output("loss", (rows * rows).mean())
            },
            Case(
                name: "the same with LAMB, of a scaled loss, with an average of the weights",
                kernels: ["coalesce", "scatter_add"], launches: 15, tolerance: 5e-5, trains: true,
                optimizer: OptimizerOptions(.lamb, maxGradientNorm: 0.5, averageDecay: 0.9, scalesLoss: true)
            ) { g in
                let rows = w(g, "table", 1100, hidden).gather(g.input("ids", .i32, [rows])).tanh()
                g.output("loss", (rows * rows).mean())
            },
            // Each use adds its product to what the later use left, and waits for none.
            Case(
                name: "a weight that two products share trains",
                kernels: ["matmul+dgelu", "matmul", "matmul+residual+mul+total", "adamw+pack"], launches: 9,
                tolerance: 5e-5,
                trains: true
            ) { g in
                let weight = w(g, "w", hidden, hidden)
                let y = x(g).matmul(weight).gelu().matmul(weight)
                g.output("loss", (y * y).mean())
            },
            Case(name: "softmax behind a product", kernels: ["matmul+mul+softmax"], launches: 1) { g in
                let input = x(g)
                g.output("y", (input.matmul(input, transposeRight: true) * 0.3).map(.neg).map(.neg).softmax())
            },
            Case(name: "columns of a symbolic product", kernels: ["matmul+tanh+total"], launches: 1) { g in
                let input = x(g)
                g.output("y", input.matmul(input, transposeRight: true).tanh().sum())
            },
            Case(name: "low precision rows", kernels: ["add"], launches: 1, tolerance: 1e-2) { g in
                let input = g.input("x", .bf16, [rows, .fixed(hidden)])
                g.output("y", (input.cast(.f32) + 1).cast(.f16))
            },
        ]

    @Test(arguments: cases) func regionsComputeWhatTheGraphSays(_ test: Case) throws {
        let graph = try test.graph()
        for set in OpTests.instructionSets {
            let options = CompilerOptions(instructionSet: set, cache: .off)
            let compiler = try Compiler(options)
            let program = try compiler.lower(try compiler.optimize(graph))
            let names = program.launches.map(\.kernel.name)
            for kernel in test.kernels { #expect(names.contains(kernel), "\(kernel) is not among \(names)") }
            #expect(names.count <= test.launches, "\(names.count) launches: \(names)")
            for tokens in [1, 37] {
                try CompiledComparison(
                    graph: graph, inputs: test.inputs(graph, tokens), options: options,
                    tolerance: test.tolerance,
                    optimizes: true
                ).check("\(test.name) \(set) \(tokens) tokens")
            }
        }
    }

    private static func inputs(_ graph: Graph, _ tokens: Int) -> [String: HostTensor] {
        var numbers = Numbers(3)
        var inputs: [String: HostTensor] = [:]
        for node in graph.nodes {
            guard let type = node.types.first, let shape = type.extents(["tokens": tokens]) else { continue }
            switch node.op {
            case .source(.input("ids", _)): inputs["ids"] = numbers.integers(shape, 0..<7)
            case .source(.input("rng", _)): inputs["rng"] = .rng(seed: 5, step: 3)
            case .source(.input("rounding_rng", _)): inputs["rounding_rng"] = .rng(seed: 6, step: 3)
            case .source(.input(let name, _)) where shape.isEmpty:
                inputs[name] = HostTensor.scalar(0.1).rounded
            case .source(.input(let name, _)), .source(.parameter(let name, _, .trainable)),
                .source(.parameter(let name, _, .frozen)):
                var tensor = numbers.tensor(shape)
                tensor.element = type.element
                inputs[name] = tensor.rounded
            case .source(.parameter(let name, _, .state)):
                var tensor = numbers.tensor(shape, 0.1, 1)
                tensor.element = type.element
                inputs[name] = tensor.rounded
            default: break
            }
        }
        return inputs
    }

    /// Panels follow their parameter: through the optimiser's kernels, and when a client changes it.
    @Test func panelsFollowTheParameter() throws {
        let forward = try GraphBuilder.build("panels") { g in
            let y = Self.x(g).matmul(Self.w(g, "w", Self.hidden, 70)).tanh()
            g.output("y", y)
            g.output("loss", (y * y).mean())
        }
        let graph = try trainingStep(forward)
        var results: [[Float]] = []
        for disabled in [[], PassPipeline.fusionPasses] {
            let compiler = try Compiler(
                CompilerOptions(cache: .off, passes: PassPipeline.Options(disabled: disabled)))
            let parameters = ParameterStore()
            let step = try compiler.compile(graph, parameters: parameters)
            let infer = try compiler.compile(forward, parameters: parameters)
            let given = try Self.inputs(graph, 5).mapValues(TensorData.init)
            try parameters.set("w", given["w"]!)
            var losses: [Float] = []
            for _ in 0..<3 {
                losses += try step.run(given)["loss"]!.floats
                losses += try infer.run(given)["loss"]!.floats
            }
            try parameters.set(
                "w", TensorData((0..<(Self.hidden * 70)).map { Float($0 % 11) * 0.01 }, shape: [20, 70]))
            losses += try infer.run(given)["loss"]!.floats
            losses += try step.run(given)["loss"]!.floats
            results.append(losses)
        }
        #expect(results[0].count == 8)
        for (fused, unfused) in zip(results[0], results[1]) { #expect(abs(fused - unfused) < 1e-6) }
        #expect(Set(results[1]).count == 5, "a step changes the loss, and so does the client: \(results[1])")
    }
}
