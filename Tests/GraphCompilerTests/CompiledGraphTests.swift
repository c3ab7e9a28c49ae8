import GraphCompiler
import TestSupport
import Testing

/// What a compiled graph tells of itself, checks and trains.
@Suite struct CompiledGraphTests {
    private let options = CompilerOptions(threads: 2, cache: .off)

    /// Least squares: the loss of x w + b against y.
    private func linear() throws -> Graph {
        try GraphBuilder.build("linear") { g in
            let x = g.input("x", .f32, ["rows", 2])
            let y = g.input("y", .f32, ["rows", 1])
            let prediction = x.matmul(g.parameter("w", [2, 1])) + g.parameter("b", [1])
            let error = prediction - y
            g.output("prediction", prediction)
            g.output("loss", (error * error).mean())
        }
    }

    private let batch: [String: TensorData]

    init() throws {
        batch = [
            "x": try TensorData([1, 0, 0, 1, 1, 1] as [Float], shape: [3, 2]),
            "y": try TensorData([3, 1, 5] as [Float], shape: [3, 1]),
        ]
    }

    @Test func theSignatureIsTyped() throws {
        let model = try GraphCompiler.compile(try linear(), options)
        #expect(model.inputs.map(\.description) == ["x: f32[rows, 2]", "y: f32[rows, 1]"])
        #expect(model.outputs.map(\.description) == ["prediction: f32[rows, 1]", "loss: f32[]"])
        #expect(model.parameters.map(\.description) == ["w: f32[2, 1]", "b: f32[1]"])
        #expect(model.symbols == ["rows"])
    }

    @Test func itIsCalledWithTensors() throws {
        let model = try GraphCompiler.compile(try linear(), options)
        try model.set("w", to: TensorData([2, 1] as [Float], shape: [2, 1]))
        let outputs = try model(batch)
        #expect(try outputs["prediction"]?.floats == [2, 1, 3])
        #expect(outputs["prediction"]?.shape == [3, 1])
        #expect(try model.get("b").floats == [0])
    }

    @Test func mistakesAreNamed() throws {
        let model = try GraphCompiler.compile(try linear(), options)
        func message(_ body: () throws -> Void) -> String {
            let error = #expect(throws: ExecutionError.self) { try body() }
            return error.map { "\($0)" } ?? ""
        }
        func call(_ change: (inout [String: TensorData]) -> Void, _ symbols: [String: Int] = [:]) -> String {
            var given = batch
            change(&given)
            return message { _ = try model(given, symbols: symbols) }
        }
        #expect(
            call { $0["labels"] = .scalar(1) } == "input \"labels\": the graph has no such input; it has x, y"
        )
        #expect(call { $0["y"] = nil } == "input \"y\": no tensor was given; it needs f32[rows, 1]")
        #expect(call { $0["y"] = .scalar(1) } == "input \"y\": needs f32[rows, 1], got f32[]")
        #expect(
            call({ _ in }, ["row": 3])
                == "symbol \"row\": the graph has no such symbol; did you mean 'rows'?")
        let zeros = try TensorData([0, 0] as [Float], shape: [2])
        #expect(message { try model.set("w", to: zeros) } == "parameter \"w\": needs f32[2, 1], got f32[2]")
        #expect(
            message { try model.set("weight", to: zeros) }
                == "parameter \"weight\": the graph has no such parameter; it has w, b")
        #expect(message { _ = try model.get("v") }.hasPrefix("parameter \"v\""))
    }

    @Test func whatNothingReadsNeedNotBeGiven() throws {
        let graph = try GraphBuilder.build("unread") { g in
            let x = g.input("x", .f32, ["n"])
            _ = g.input("y", .f32, ["n"]) + g.parameter("w", [1])
            g.output("z", x + 1)
        }
        let model = try GraphCompiler.compile(graph, options)
        let x = TensorData([1] as [Float])
        #expect(try model(["x": x])["z"]?.floats == [2])
        #expect(try model(["x": x, "y": x])["z"]?.floats == [2])
        let error = #expect(throws: ExecutionError.self) { try model.get("w") }
        #expect(error?.message == "nothing reads it and it was never set")
    }

    @Test func trainingCountsItsStepsAndSharesParameters() throws {
        let training = try GraphCompiler.compileTraining(
            try linear(), TrainingOptions(OptimizerOptions(adamW: AdamWAttributes(weightDecay: 0))),
            options: options)
        #expect(training.inputs.map(\.name) == ["x", "y"])
        for _ in 0..<400 { _ = try training.step(batch, rate: 0.05) }
        #expect(training.position.step == 400)
        let model = try GraphCompiler.compile(try linear(), options, parameters: training.store)
        #expect(try model(batch)["loss"]!.floats[0] < 0.1)
        // An Adam step is as long as the learning rate; the first one tells that the bias is corrected.
        let first = try GraphCompiler.compileTraining(try linear(), options: options)
        _ = try first.step(batch, rate: 0.5)
        #expect(try abs(first.store.get("b")!.floats[0] - 0.5) < 1e-4)
    }

    /// The scale reaches every row's gradient, and leaves it before clipping.
    @Test func aScaledLossGivesTheSameSteps() throws {
        let graph = try GraphBuilder.build("classifier") { g in
            let logits = g.input("x", .f32, ["rows", 2]).matmul(g.parameter("w", [2, 3]))
            g.output("loss", logits.crossEntropy(labels: g.input("y", .i32, ["rows"])).mean())
        }
        let batch = [
            "x": try TensorData([1, 2, -1, 0.5, 3, 1, 0, 2, 1, -1] as [Float], shape: [5, 2]),
            "y": TensorData([0, 1, 2, 2, 0] as [Int32]),
        ]
        let results = try [false, true].map { scales in
            let training = try GraphCompiler.compileTraining(
                graph, TrainingOptions(OptimizerOptions(maxGradientNorm: 0.1, scalesLoss: scales)),
                options: options)
            training.position.scaler.scale = 1024
            let norms = try (0..<3).map { _ in
                Float(try training.step(batch, rate: 0.05).gradientNorm)
            }
            return try norms + training.store.get("w")!.floats
        }
        for (a, b) in zip(results[0], results[1]) { #expect(abs(a - b) < 1e-5) }
    }

    @Test func aStepThatFailsIsNotCounted() throws {
        let training = try GraphCompiler.compileTraining(try linear(), options: options)
        var bad = batch
        bad["x"] = try TensorData([.infinity, 0, 0, 1, 1, 1], shape: [3, 2])
        #expect(throws: ExecutionError.self) { try training.step(bad, rate: 0.05) }
        let error = #expect(throws: ExecutionError.self) {
            try training.step(batch.merging(["learning_rate": .scalar(1)]) { $1 }, rate: 0.05)
        }
        #expect(error?.description == "input \"learning_rate\": is the step's own; leave it out")
        #expect(training.position.step == 0)
    }

    @Test func compilersRunUserRules() throws {
        let graph = try GraphBuilder.build("rules") { g in
            let x = g.input("x", .f32, [2])
            g.output("y", (x * x).sqrt())
        }
        // √(x · x) = |x|
        let rule = RewriteRule("root-of-square") { (site, graph) throws(IRError) in
            guard case .elementwise(.unary(.sqrt)) = site.op else { return nil }
            let square = graph.producer(site.operands[0])
            guard case .elementwise(.binary(.mul)) = square.op, square.operands[0] == square.operands[1]
            else { return nil }
            return try graph.emit(.unary(.abs), [square.operands[0]], label: site.label)
        }
        var options = options
        options.rules = [rule]
        let model = try GraphCompiler.compile(graph, options)
        #expect(model.executor.program.graph.nodes.map(\.op.mnemonic) == ["input", "abs"])
        #expect(try model(["x": TensorData([-3e30, 2])])["y"]?.floats == [3e30, 2])
    }
}
