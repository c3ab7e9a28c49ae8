import GraphCompiler
import Testing

/// A graph of no model family under everything that training can do, next to the same arithmetic in `Double`.
@Suite struct TrainingProgramTests {
    /// loss = mean (x w₂ w₁ + b - y)², with w₂ frozen, in `Float` or `Double`.
    static func graph() throws -> Graph {
        try GraphBuilder.build("line") { g in
            let x = g.input("x", .f32, ["rows"])
            let y = g.input("y", .f32, ["rows"])
            let hidden = g.scope("layer.0") { x * g.parameter("fixed", []) }
            let line = g.scope("layer.1") { (hidden * g.parameter("w", []) + g.parameter("bias", [])) }
            let error = line - y
            g.output("prediction", line)
            g.output("loss", (error * error).mean())
        }
    }

    /// AdamW with decay on `w`, averages, and clipping, as docs/training.md has them.
    struct Reference {
        var parameters = ["w": 0.5, "bias": -0.25]
        var moments: [String: (m: Double, v: Double)] = ["w": (0, 0), "bias": (0, 0)]
        var averages: [String: Double] = [:]
        var steps = 0
        static let (fixed, beta1, beta2, epsilon, decay, average) = (2.0, 0.9, 0.99, 1e-6, 0.1, 0.75)

        /// - Returns: the loss and the gradients' norm.
        mutating func step(_ rows: [(x: Double, y: Double)], rate: Double, maxNorm: Double) -> (
            Double, Double
        ) {
            let (w, b) = (parameters["w"]!, parameters["bias"]!)
            let errors = rows.map { $0.x * Self.fixed * w + b - $0.y }
            let count = Double(rows.count)
            let loss = errors.reduce(0) { $0 + $1 * $1 } / count
            let gradients = [
                "w": zip(rows, errors).reduce(0) { $0 + 2 * $1.1 * $1.0.x * Self.fixed } / count,
                "bias": errors.reduce(0) { $0 + 2 * $1 } / count,
            ]
            let norm = gradients.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let scale = min(1, maxNorm / (norm + 1e-6))
            steps += 1
            for (name, gradient) in gradients {
                let g = gradient * scale
                var (m, v) = moments[name]!
                (m, v) = (m * Self.beta1 + g * (1 - Self.beta1), v * Self.beta2 + g * g * (1 - Self.beta2))
                moments[name] = (m, v)
                // 1 - βᵗ
                let c1 = 1 - (0..<steps).reduce(1) { p, _ in p * Self.beta1 }
                let c2 = 1 - (0..<steps).reduce(1) { p, _ in p * Self.beta2 }
                let own = name == "w" ? rate / 2 : rate
                let decayed = parameters[name]! * (1 - own * (name == "w" ? Self.decay : 0))
                let new = decayed - own * (m / c1) / ((v / c2).squareRoot() + Self.epsilon)
                parameters[name] = new
                let old = averages[name] ?? new
                averages[name] = old + (new - old) * (1 - Self.average)
            }
            return (loss, norm)
        }
    }

    static func options(accumulates: Bool, scalesLoss: Bool) -> TrainingOptions {
        let optimizer = OptimizerOptions(
            adamW: AdamWAttributes(
                beta1: Reference.beta1, beta2: Reference.beta2, epsilon: Reference.epsilon,
                weightDecay: Reference.decay),
            maxGradientNorm: 0.5, averageDecay: Reference.average, scalesLoss: scalesLoss,
            treatments: [
                "fixed": ParameterTreatment(isFrozen: true), "w": ParameterTreatment(rateScale: 0.5),
            ])
        return TrainingOptions(optimizer, accumulates: accumulates, recompute: .layer)
    }

    static func program(
        accumulates: Bool, scalesLoss: Bool = false, precision: Precision = .fp32
    ) throws -> TrainingProgram {
        let program = try GraphCompiler.compileTraining(
            graph(), options(accumulates: accumulates, scalesLoss: scalesLoss),
            options: CompilerOptions(threads: 2, precision: precision, cache: .off))
        for (name, value) in [("fixed", 2), ("w", 0.5), ("bias", -0.25)] as [(String, Float)] {
            try program.store.set(name, .scalar(value))
        }
        return program
    }

    static let rows: [(x: Double, y: Double)] = [(1, 2), (-0.5, 0.25), (2, 3), (0.75, -1), (-1.5, 0.5)]

    static func inputs(_ range: Range<Int>) -> StepInputs {
        let rows = rows[range]
        return StepInputs(
            ["x": TensorData(rows.map { Float($0.x) }), "y": TensorData(rows.map { Float($0.y) })],
            lossWeights: [Float(range.count) / Float(Self.rows.count)])
    }

    static func value(_ name: String, _ program: TrainingProgram) -> Double {
        program.store.get(name).map { Double((try? $0.floats[0]) ?? .nan) } ?? .nan
    }

    /// Accumulation of two, freezing, rates and decay of single parameters, clipping, averages and recomputation.
    @Test(arguments: [false, true]) func stepsFollowTheArithmetic(accumulates: Bool) throws {
        let program = try Self.program(accumulates: accumulates)
        #expect(program.inputs.map(\.name) == ["x", "y"] && program.trainedNames == ["w", "bias"])
        var reference = Reference()
        for step in 0..<4 {
            let microBatches = accumulates ? [Self.inputs(0..<2), Self.inputs(2..<5)] : [Self.inputs(0..<5)]
            let result = try program.step(microBatches, rate: 0.1)
            let (loss, norm) = reference.step(Self.rows, rate: 0.1, maxNorm: 0.5)
            #expect(abs(result.loss - loss) < 1e-5 * loss && abs(result.gradientNorm - norm) < 1e-5 * norm)
            #expect(result.outputs.map { $0["prediction"]!.shape } == (accumulates ? [[2], [3]] : [[5]]))
            #expect(program.position.step == step + 1 && program.position.microBatch == 0)
            for name in ["w", "bias"] {
                #expect(abs(Self.value(name, program) - reference.parameters[name]!) < 1e-5)
                let average = TrainingNames.average(of: name)
                #expect(abs(Self.value(average, program) - reference.averages[name]!) < 1e-5)
            }
        }
        #expect(Self.value("fixed", program) == 2)
        #expect(!program.store.names.contains { $0.hasPrefix("fixed.") })
        // An evaluation reads the averages.
        let prediction = try program.evaluation(Self.graph())([
            "x": TensorData([1 as Float]), "y": TensorData([0 as Float]),
        ])
        let expected = 2 * reference.averages["w"]! + reference.averages["bias"]!
        #expect(try abs(Double(prediction["prediction"]!.floats[0]) - expected) < 1e-5)
    }

    /// In f16 a step whose scaled gradients overflow leaves everything as it is, lowers the scale, and does not count in the
    /// bias corrections: the next one has the bits that it would have had without it.
    @Test(arguments: [false, true]) func anOverflowIsSkipped(accumulates: Bool) throws {
        let (plain, planted) = try (
            Self.program(accumulates: accumulates, scalesLoss: true, precision: .fp16),
            Self.program(accumulates: accumulates, scalesLoss: true, precision: .fp16)
        )
        let inputs = accumulates ? [Self.inputs(0..<2), Self.inputs(2..<5)] : [Self.inputs(0..<5)]
        planted.position.scaler.scale = 0x1p127
        let skipped = try planted.step(inputs, rate: 0.1)
        #expect(skipped.isSkipped && skipped.loss.isFinite && Self.value("w", planted) == 0.5)
        #expect(planted.position.scaler.scale == 0x1p126 && planted.position.scaler.skipped == 1)
        planted.position.scaler.scale = plain.position.scaler.scale
        let results = try [plain, planted].map { try $0.step(inputs, rate: 0.1) }
        #expect(!results[0].isSkipped && results[0] == results[1])
        for name in plain.store.names { #expect(plain.store.get(name) == planted.store.get(name), "\(name)") }
    }

    /// A step that is taken apart, and goes on in a program that was set to its position, ends with the same bits.
    @Test func aStepGoesOnInTheMiddle() throws {
        let inputs = [Self.inputs(0..<2), Self.inputs(2..<3), Self.inputs(3..<5)]
        let (whole, first, second) = try (
            Self.program(accumulates: true), Self.program(accumulates: true), Self.program(accumulates: true)
        )
        let expected = try whole.step(inputs, rate: 0.1)
        try first.accumulate(inputs[0])
        for name in first.store.names { try second.store.set(name, first.store.get(name)!) }
        second.position = first.position
        let result = try second.step(inputs, rate: 0.1)
        #expect(result.loss == expected.loss && result.gradientNorm == expected.gradientNorm)
        #expect(result.outputs.count == 2)
        for name in whole.store.names { #expect(whole.store.get(name) == second.store.get(name), "\(name)") }
    }

    /// A micro-batch whose loss is not finite, or whose gradients alone are not, ends its step; the next one is as if it
    /// had never been.
    @Test(arguments: [Float.nan, 1e25]) func aStepThatIsNotFiniteIsForgotten(_ number: Float) throws {
        let (plain, damaged) = try (Self.program(accumulates: true), Self.program(accumulates: true))
        try damaged.accumulate(Self.inputs(0..<2))
        let bad = StepInputs(["x": TensorData([number]), "y": TensorData([0 as Float])], lossWeights: [0.2])
        #expect(throws: ExecutionError.self) {
            try damaged.accumulate(bad)
            _ = try damaged.update(rate: 0.1)
        }
        #expect(damaged.position == TrainingPosition())
        let inputs = [Self.inputs(0..<2), Self.inputs(2..<5)]
        #expect(try plain.step(inputs, rate: 0.1) == damaged.step(inputs, rate: 0.1))
        for name in plain.store.names { #expect(plain.store.get(name) == damaged.store.get(name), "\(name)") }
    }

    @Test func optionsThatMeanNothingAreRefused() throws {
        func place(_ change: (inout TrainingOptions) -> Void) -> String? {
            var options = Self.options(accumulates: false, scalesLoss: false)
            change(&options)
            let compiler = CompilerOptions(threads: 1, cache: .off)
            do { _ = try GraphCompiler.compileTraining(Self.graph(), options, options: compiler) } catch {
                return "\(error)"
            }
            return nil
        }
        #expect(
            place { $0.optimizer.treatments["biass"] = .usual(of: "bias") }?.contains("did you mean 'bias'")
                == true)
        #expect(place { $0.optimizer.maxGradientNorm = .nan }?.contains("maxGradientNorm nan") == true)
        #expect(place { $0.optimizer.averageDecay = 2 }?.contains("averageDecay 2.0") == true)
        #expect(place { $0.optimizer.adamW.beta1 = .nan }?.contains("betas nan") == true)
        #expect(place { $0.recompute = .every(0) }?.contains("every(k) with k of at least 1") == true)
        #expect(place { $0.memory.shapes = [["row": 3]] }?.contains("symbol 'rows'") == true)
        #expect(place { $0.memory.shapes = [["rows": -3]] }?.contains("symbols rows = -3") == true)
    }

    @Test func mistakesAreNamed() throws {
        let program = try Self.program(accumulates: false)
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(
            message { _ = try program.step([Self.inputs(0..<2), Self.inputs(2..<5)], rate: 0.1) }
                .contains("set TrainingOptions.accumulates"))
        #expect(message { try program.accumulate(Self.inputs(0..<5)) }.contains("does not accumulate"))
        #expect(
            message { _ = try program.step(["X": TensorData([1 as Float])], rate: 0.1) }
                .hasPrefix("input \"X\": the graph has no such input; did you mean 'x'?"))
        #expect(program.position == TrainingPosition())
        let inputs = Self.inputs(0..<5)
        #expect(message { _ = try program.step([inputs], rate: .nan) }.hasPrefix("the learning rate: nan"))
        let accumulating = try Self.program(accumulates: true)
        _ = try accumulating.step([inputs], rate: 0.1)
        #expect(message { _ = try accumulating.update(rate: 0.1) }.hasPrefix("micro-batches: there are none"))
        #expect(
            message { _ = try accumulating.step([], rate: 0.1) }.hasPrefix("micro-batches: there are none"))
        #expect(message { try accumulating.reserve([[:]]) }.hasPrefix("symbol 'rows'"))
    }

    /// As many pieces as the memory asks for, as equal as can be.
    @Test(arguments: [(32, 31, 16), (32, 12, 11), (9, 4, 3), (5, 1, 1), (0, 4, 0)])
    func piecesAreEqual(whole: Int, most: Int, size: Int) {
        #expect(TrainingProgram.microBatchSize(of: whole) { $0 <= most } == size)
    }
}
