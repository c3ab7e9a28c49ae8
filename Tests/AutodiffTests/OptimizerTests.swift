import Autodiff
import GraphIR
import Interpreter
import TestSupport
import Testing
import Transforms

/// Optimisers and their halves on the model of `TrainingStepTests`, interpreted in f64. The numbers are printed by
/// `Tests/EncodersTests/Fixtures/make_optimizers.py` (torch in float64).
@Suite struct OptimizerTests {
    /// The model of `TrainingStepTests` with a mean over rows, so that micro-batches have shares.
    static func meanModel() throws -> Graph {
        try GraphBuilder.build("model") { g in
            let x = g.input("x", .f32, ["rows", 2])
            let y = (x.matmul(g.parameter("w", [2, 3])) + g.parameter("bias", [3])).tanh()
            g.output("loss", (y * y).sum(axes: [1]).mean())
        }
    }

    /// A run from the weights of the numbers below.
    static func start() -> InterpretedTraining {
        InterpretedTraining(
            [
                "w": HostTensor(element: .f32, shape: [2, 3], values: [0.5, -0.25, 1, 0.75, 0.1, -0.6]),
                "bias": HostTensor(element: .f32, shape: [3], values: [0.1, -0.2, 0.3]),
            ], TrainingStepTests.options)
    }

    static let x = HostTensor([1, 2, -0.5, 0.25], shape: [2, 2])

    /// After the third step, both optimisers with averages of decay 0.75.
    @Test(arguments: [
        (
            Optimizer.adamW, 0.9343399566823859,
            [
                0.3531149069500826, -0.14450277108026982, 0.8378071227318761, 0.5944945658302987,
                0.20166892268028133, -0.62734637905673,
            ],
            [
                0.4152251344199441, -0.1766174589378663, 0.9079531922524442, 0.6613680402178779,
                0.17083639505208514, -0.6413347958461846,
            ],
            [-0.04841161830637432, -0.09467003432646498, 0.4447891711057066]
        ),
        (
            .lamb, 0.955896454318599,
            [
                0.40890017468033596, -0.16434517118964456, 0.8976283308549685, 0.6525094425237028,
                0.17855179078492334, -0.6766915473490879,
            ],
            [
                0.4485552109549467, -0.200131327937506, 0.9438231129732559, 0.6959187146701753,
                0.14707741760608986, -0.645225583167097,
            ],
            [-0.04994602694751744, -0.07693615465277621, 0.44847459751790625]
        ),
    ])
    func followsTorch(
        _ optimizer: Optimizer, _ loss: Double, _ weight: [Double], _ average: [Double], _ bias: [Double]
    ) throws {
        for optimised in [false, true] {
            var run = Self.start()
            run.options.optimizer = optimizer
            run.options.averageDecay = 0.75
            var graph = try trainingStep(TrainingStepTests.model(), options: run.options)
            if optimised { try PassPipeline.standard.run(on: &graph) }
            var outputs: [String: HostTensor] = [:]
            for step in 0..<3 { outputs = try run(graph, step: step, ["x": Self.x]) }
            expectClose(outputs["loss"], [loss], "loss")
            expectClose(run.values["w"], weight, "w")
            expectClose(run.values["w.ema"], average, "w.ema")
            expectClose(run.values["bias"], bias, "bias")
        }
    }

    /// LAMB's ratio is 1 where the weights are 0.
    @Test func lambStartsFromZero() throws {
        let results = try [Optimizer.adamW, .lamb].map { optimizer in
            var run = Self.start()
            run.options.optimizer = optimizer
            run.values["w"] = .filled(0, .f32, [2, 3])
            _ = try run(
                trainingStep(TrainingStepTests.model(), options: run.options), step: 0, ["x": Self.x])
            return run.values["w"]
        }
        #expect(results[0]?.values.contains { $0 != 0 } == true)
        expectClose(results[1], results[0]?.values ?? [], "w")
    }

    /// Two micro-batches of one and two rows give the step of all three, also with a scaled loss.
    @Test(arguments: [false, true]) func unequalMicroBatchesAreTheLargeBatch(_ scales: Bool) throws {
        let rows = HostTensor([1, 2, -0.5, 0.25, 0.3, -0.7], shape: [3, 2])
        let parts = [
            HostTensor([1.0, 2], shape: [1, 2]), HostTensor([-0.5, 0.25, 0.3, -0.7], shape: [2, 2]),
        ]
        let model = try Self.meanModel()
        var (whole, split) = (Self.start(), Self.start())
        split.options.scalesLoss = scales
        split.lossScale = 1024
        let step = try trainingStep(model, options: whole.options)
        let accumulation = try accumulationStep(model, options: split.options)
        let update = try updateStep(model, options: split.options)
        #expect(update.name == "model.update")
        for index in 0..<3 {
            let expected = try whole(step, step: index, ["x": rows])
            var loss = 0.0
            for (number, part) in parts.enumerated() {
                let inputs: [String: HostTensor] = [
                    "x": part, "carry": .scalar(number == 0 ? 0 : 1),
                    "loss_weights": HostTensor([number == 0 ? 1.0 / 3 : 2.0 / 3], shape: [1]),
                ]
                loss += try split(accumulation, step: index, inputs)["weighted_loss"]?.values[0] ?? .nan
            }
            let outputs = try split(update, step: index)
            expectClose(expected["loss"], [loss], "loss", 1e-7)
            expectClose(outputs["gradient_norm"], expected["gradient_norm"]?.values ?? [], "norm", 1e-7)
            for name in ["w", "bias", "w.exp_avg", "bias.exp_avg_sq"] {
                expectClose(split.values[name], whole.values[name]?.values ?? [], name, 1e-7)
            }
        }
    }

    @Test func ratesHaveScalesByName() throws {
        var (scaled, halved) = (Self.start(), Self.start())
        scaled.options.treatments["w"] = ParameterTreatment(rateScale: 0.5)
        let graph = try trainingStep(TrainingStepTests.model(), options: scaled.options)
        _ = try scaled(graph, step: 0, ["x": Self.x])
        _ = try halved(
            trainingStep(TrainingStepTests.model(), options: halved.options), step: 0, ["x": Self.x])
        let start = [0.5, -0.25, 1, 0.75, 0.1, -0.6]
        let full = zip(halved.values["w"]?.values ?? [], start).map { $0 - $1 }
        expectClose(scaled.values["w"], zip(start, full).map { $0 + $1 / 2 }, "w")
        expectClose(scaled.values["bias"], halved.values["bias"]?.values ?? [], "bias")
    }

    /// Sums are written where they are computed; a sum that something else reads later is not.
    @Test func accumulatorsAreWrittenInPlace() throws {
        func graph(_ reads: Bool) throws -> Graph {
            try GraphBuilder.build("sums") { g in
                let sum = g.parameter("sum", [4], role: .accumulator)
                let x = g.input("x", .f32, [4])
                g.update(sum, to: sum + x)
                if reads { g.output("old", x.exp() * sum) }
            }
        }
        #expect(try graph(false).accumulations().count == 1)
        #expect(try graph(true).accumulations().isEmpty)
        var accumulation = try accumulationStep(Self.meanModel())
        try PassPipeline.standard.run(on: &accumulation)
        #expect(accumulation.accumulations() == Set(accumulation.updates.map(\.value)))
    }
}
