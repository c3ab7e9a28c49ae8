import Autodiff
import GraphIR
import Interpreter
import Testing
import Transforms

@Suite struct TrainingStepTests {
    /// loss = Σ tanh(x w + bias)², the model of the numbers below.
    static func model() throws -> Graph {
        try GraphBuilder.build("model") { g in
            let x = g.input("x", .f32, ["rows", 2])
            let y = (x.matmul(g.parameter("w", [2, 3])) + g.parameter("bias", [3])).tanh()
            g.output("y", y)
            g.output("loss", (y * y).sum())
        }
    }

    static let options = OptimizerOptions(
        adamW: AdamWAttributes(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1), maxGradientNorm: 0.5
    )

    /// Two steps of torch 2 in float64 (weight_decay 0.1 for w and 0 for bias, lr 0.05, clip_grad_norm_ 0.5).
    static let torch: [[String: [Double]]] = [
        [
            "loss": [1.128745100369405], "gradient_norm": [1.393999209092215],
            "w": [
                0.44750184444411945, -0.19875033948382034, 0.945000281233394, 0.6962505696113263,
                0.14949985261594134, -0.646999432310711,
            ],
            "bias": [0.0500007420118323, -0.15000024887326976, 0.3499996508691136],
            "w.exp_avg": [
                0.002710743851133645, -0.014728142408245914, 0.01777872750798286, 0.008777815342970532,
                -0.03392487156425884, 0.008807534910534688,
            ],
            "bias.exp_avg_sq": [4.540518579479978e-05, 0.00040362604079302307, 0.00020509609973925596],
        ],
        [
            "loss": [0.9920233670909058], "gradient_norm": [0.7571111664974763],
            "w": [
                0.4012086409738999, -0.15303840111013273, 0.8903400180036853, 0.6458850845543048,
                0.19373598552292154, -0.6429921088385447,
            ],
            "bias": [0.0008459180037773129, -0.1047537155141707, 0.3972810757893687],
            "w.exp_avg": [
                0.013430268317284645, -0.01892998703543948, 0.0330142263932786, 0.02993281933493484,
                -0.04406879795026989, -0.0002493502918638723,
            ],
            "bias.exp_avg_sq": [0.00016710898390640046, 0.00046846606674024214, 0.0013340273081752449],
        ],
    ]

    /// The norm of two gradients of 3 and 4 is 5 with both, and 3 without the one that is not clipped.
    @Test func whatIsNotClippedDoesNotCount() throws {
        let graph = try GraphBuilder.build("two") { g in
            g.output("loss", g.parameter("a", []) * 3 + g.parameter("b", []) * 4)
        }
        func moments(_ treatments: [String: ParameterTreatment]) throws -> [String: HostTensor] {
            let options = OptimizerOptions(
                adamW: AdamWAttributes(beta1: 0.5), maxGradientNorm: 1, treatments: treatments)
            let names = ["a", "b", "a.exp_avg", "b.exp_avg", "a.exp_avg_sq", "b.exp_avg_sq"]
            let inputs = ["learning_rate", "correction1", "correction2"].map { ($0, HostTensor.scalar(0.5)) }
            let result = try Interpreter(graph: trainingStep(graph, options: options), rounding: false).run(
                Dictionary(uniqueKeysWithValues: inputs + names.map { ($0, HostTensor.scalar(0)) }))
            return result.updates.merging(result.outputs) { $1 }
        }
        let (all, some) = (try moments([:]), try moments(["b": ParameterTreatment(isClipped: false)]))
        func check(_ values: [String: HostTensor], _ expected: [String: Double]) {
            for (name, number) in expected {
                #expect(abs((values[name]?.values[0] ?? .nan) - number) < 1e-5, "\(name)")
            }
        }
        check(all, ["gradient_norm": 5, "a.exp_avg": 0.3, "b.exp_avg": 0.4])
        check(some, ["gradient_norm": 3, "a.exp_avg": 0.5, "b.exp_avg": 2])
    }

    @Test(arguments: [false, true]) func followsTorch(_ optimised: Bool) throws {
        var graph = try trainingStep(Self.model(), options: Self.options)
        if optimised { try PassPipeline.standard.run(on: &graph) }
        let interpreter = Interpreter(graph: graph, rounding: false)
        var values: [String: HostTensor] = [
            "x": HostTensor([1, 2, -0.5, 0.25], shape: [2, 2]), "learning_rate": .scalar(0.05),
            "w": HostTensor(element: .f32, shape: [2, 3], values: [0.5, -0.25, 1, 0.75, 0.1, -0.6]),
            "bias": HostTensor(element: .f32, shape: [3], values: [0.1, -0.2, 0.3]),
        ]
        for name in ["w.exp_avg", "w.exp_avg_sq"] { values[name] = .filled(0, .f32, [2, 3]) }
        for name in ["bias.exp_avg", "bias.exp_avg_sq"] { values[name] = .filled(0, .f32, [3]) }
        for (index, expected) in Self.torch.enumerated() {
            values["correction1"] = .scalar(index == 0 ? 1 - 0.9 : 1 - 0.81)
            values["correction2"] = .scalar(index == 0 ? 1 - 0.99 : 1 - 0.9801)
            let result = try interpreter.run(values)
            for (name, numbers) in expected {
                let actual = try #require(result.outputs[name] ?? result.updates[name]).values
                for (a, b) in zip(actual, numbers) {
                    #expect(abs(a - b) < 1e-9, "\(name) at step \(index + 1)")
                }
            }
            values.merge(result.updates) { $1 }
        }
    }

    @Test func keepsOutputsAndNamesWhatItAdds() throws {
        let graph = try trainingStep(Self.model(), options: Self.options)
        #expect(graph.outputs.map(\.name) == ["y", "loss", "gradient_norm"])
        #expect(graph.inputs.count == 4)
        let state = graph.parameters.filter {
            if case .source(.parameter(_, _, .state)) = graph[$0].op { true } else { false }
        }
        #expect(
            state.compactMap { graph[$0].op.parameterName }
                == ["w.exp_avg", "w.exp_avg_sq", "bias.exp_avg", "bias.exp_avg_sq"])
        #expect(
            graph.updates.compactMap { graph[$0.parameter.node].op.parameterName }
                == ["w", "w.exp_avg", "w.exp_avg_sq", "bias", "bias.exp_avg", "bias.exp_avg_sq"])
    }

    @Test func normIsAnOutputWithoutClipping() throws {
        let graph = try trainingStep(Self.model())
        #expect(graph.outputs.last?.name == "gradient_norm")
        #expect(!graph.nodes.contains { $0.op == .binary(.min) })
    }

    @Test(arguments: [
        ("encoder.layer.0.attention.self.query.weight", true),
        ("encoder.layer.0.attention.self.query.bias", false),
        ("embeddings.LayerNorm.weight", false), ("layer_norm.gamma", false), ("norm.weight", false),
        ("embeddings.word_embeddings.weight", true),
    ])
    func decay(_ name: String, _ decays: Bool) throws {
        let graph = try GraphBuilder.build("g") { g in g.output("loss", g.parameter(name, [4]).sum()) }
        let step = try trainingStep(graph)
        let attributes = step.nodes.compactMap {
            if case .optimizer(.adamW(let attributes)) = $0.op { attributes } else { nil }
        }
        #expect(attributes.map(\.weightDecay) == [decays ? 0.01 : 0])
    }

    @Test func parametersThatTheLossDoesNotReachAreLeftAlone() throws {
        let graph = try GraphBuilder.build("g") { g in
            let (used, pooler) = (g.parameter("used", [2]), g.parameter("pooler", [2]))
            let frozen = g.parameter("frozen", [2], role: .frozen)
            g.output("pooled", pooler.tanh())
            g.output("loss", (used * frozen).sum())
        }
        #expect(try parametersWithoutGradient(graph) == ["pooler"])
        let step = try trainingStep(graph)
        #expect(
            step.updates.compactMap { step[$0.parameter.node].op.parameterName }.filter { !$0.contains(".") }
                == ["used"])
    }

    @Test func mistakesAreExplained() throws {
        let model = try Self.model()
        let missing = #expect(throws: IRError.self) { try trainingStep(model, loss: "nll") }
        #expect(
            missing?.description
                == "model: there is no output \"nll\"; the outputs are \"y\", \"loss\" [gradient]")
        let frozen = try GraphBuilder.build("g") { g in
            g.output("loss", g.parameter("w", [2], role: .frozen).sum())
        }
        let nothing = #expect(throws: IRError.self) { try trainingStep(frozen) }
        #expect(nothing?.message.contains("depends on no trainable parameter") == true)
        let taken = try GraphBuilder.build("g") { g in
            g.output("loss", (g.parameter("w", [2]) * g.input("learning_rate", .f32, [])).sum())
        }
        #expect(throws: IRError.self) { try trainingStep(taken) }
    }
}
