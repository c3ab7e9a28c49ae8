import Foundation
import GraphCompiler
import Interpreter
import Testing

/// What the executor promises around the kernels: guards, errors, updates, memory, the cache.
@Suite struct ExecutorTests {
    private func linear() throws -> Graph {
        try GraphBuilder.build("linear") { g in
            let x = g.input("x", .f32, ["rows", 4])
            let w = g.parameter("w", [4, 1])
            let error = g.scope("model") { x.matmul(w).log() }
            g.output("loss", error.mean())
        }
    }

    private func trained() throws -> (executor: Executor, parameters: ParameterStore) {
        let step = try trainingStep(try linear(), loss: "loss", options: OptimizerOptions())
        let parameters = ParameterStore()
        let executor = try Compiler(CompilerOptions(cache: .off)).compile(step, parameters: parameters)
        try parameters.set("w", TensorData([1, 2, 3, 4] as [Float], shape: [4, 1]))
        return (executor, parameters)
    }

    private let scalars: [String: TensorData] = [
        "learning_rate": .scalar(0.1), "correction1": .scalar(0.1), "correction2": .scalar(0.001),
    ]

    @Test func aFiniteStepUpdatesParameters() throws {
        let (executor, parameters) = try trained()
        var inputs = scalars
        inputs["x"] = try TensorData([1, 1, 1, 1] as [Float], shape: [1, 4])
        _ = try executor.run(inputs, guarding: ["loss", "gradient_norm"])
        let w = try #require(parameters.get("w")).floats
        for (new, old) in zip(w, [1, 2, 3, 4] as [Float]) { #expect(new < old && new > old - 0.2) }
        #expect(try #require(parameters.get("w.exp_avg")).floats.allSatisfy { $0 > 0 })
    }

    @Test func aNonFiniteLossNamesItsNodeAndChangesNothing() throws {
        let (executor, parameters) = try trained()
        var inputs = scalars
        inputs["x"] = try TensorData([-1, -1, -1, -1] as [Float], shape: [1, 4])
        let error = #expect(throws: ExecutionError.self) {
            try executor.run(inputs, guarding: ["loss", "gradient_norm"])
        }
        #expect(error?.place.contains("= log \"model\" in ") == true, "\(String(describing: error))")
        #expect(try parameters.get("w")?.floats == [1, 2, 3, 4])
        #expect(try parameters.get("w.exp_avg")?.floats == [0, 0, 0, 0])
    }

    @Test func aDamagedParameterIsNamed() throws {
        let (executor, parameters) = try trained()
        try parameters.set("w", TensorData([1, .infinity, 3, 4], shape: [4, 1]))
        var inputs = scalars
        inputs["x"] = try TensorData([1, 1, 1, 1] as [Float], shape: [1, 4])
        let error = #expect(throws: ExecutionError.self) { try executor.run(inputs, guarding: ["loss"]) }
        #expect(error?.place == "parameter \"w\"")
    }

    @Test func badInputsAreNamed() throws {
        let (executor, _) = try trained()
        func place(_ inputs: [String: TensorData]) -> String? {
            #expect(throws: ExecutionError.self) { try executor.run(inputs) }?.place
        }
        #expect(place(scalars) == "input \"x\"")
        var inputs = scalars
        inputs["x"] = try TensorData([1, 2, 3] as [Float], shape: [1, 3])
        #expect(place(inputs)?.contains("input \"x\", axis 1") == true)
        inputs["x"] = try TensorData([1, 2, 3, 4] as [Int32], shape: [1, 4])
        #expect(place(inputs) == "input \"x\"")
    }

    @Test func anUnboundSymbolIsNamed() throws {
        let graph = try GraphBuilder.build("free") { g in
            g.output("y", g.constant(1, TensorType(.f32, ["n"])))
        }
        let executor = try Compiler(CompilerOptions(cache: .off)).compile(graph, parameters: ParameterStore())
        let error = #expect(throws: ExecutionError.self) { try executor.run([:]) }
        #expect(error?.place == "symbol 'n'")
        #expect(try executor.run([:], symbols: ["n": 3])["y"]?.floats == [1, 1, 1])
    }

    /// Symbols that nothing but a size depends on are given; extents that can't be are refused.
    @Test func symbolsAreChecked() throws {
        let graph = try GraphBuilder.build("sizes") { g in
            g.output("size", g.size("a"))
            g.output("ones", g.constant(1, TensorType(.f32, [.symbol("b", scale: 8, offset: -4)])))
        }
        let executor = try Compiler(CompilerOptions(cache: .off)).compile(graph, parameters: ParameterStore())
        let outputs = try executor.run([:], symbols: ["a": 3, "b": 1])
        #expect(try outputs["size"]?.floats == [3])
        #expect(outputs["ones"]?.shape == [4])
        for b in [-5, 0, 1 << 62, .max] {
            let error = #expect(throws: ExecutionError.self) {
                try executor.run([:], symbols: ["a": 3, "b": b])
            }
            #expect(error?.place == "symbols b = \(b)")
        }
    }

    @Test func anUnknownOutputCannotBeGuarded() throws {
        let (executor, _) = try trained()
        let error = #expect(throws: ExecutionError.self) {
            try executor.run([:], guarding: ["lose"])
        }
        #expect(error?.place == "output \"lose\"")
    }

    @Test func parametersAreSharedBetweenGraphs() throws {
        let (training, parameters) = try trained()
        let evaluation = try Compiler(CompilerOptions(cache: .off)).compile(
            try linear(), parameters: parameters)
        var inputs = scalars
        inputs["x"] = try TensorData([1, 1, 1, 1] as [Float], shape: [1, 4])
        let before = try evaluation.run(inputs)["loss"]!.floats[0]
        _ = try training.run(inputs)
        #expect(try evaluation.run(inputs)["loss"]!.floats[0] < before)
    }

    @Test func updatesThatSwapParametersSeeOldValues() throws {
        let graph = try GraphBuilder.build("swap") { g in
            let a = g.parameter("a", [3])
            let b = g.parameter("b", [3])
            g.update(a, to: b)
            g.update(b, to: a)
        }
        let parameters = ParameterStore()
        let executor = try Compiler(CompilerOptions(cache: .off)).compile(graph, parameters: parameters)
        try parameters.set("a", TensorData([1, 2, 3] as [Float]))
        try parameters.set("b", TensorData([4, 5, 6] as [Float]))
        _ = try executor.run([:])
        #expect(try parameters.get("a")?.floats == [4, 5, 6])
        #expect(try parameters.get("b")?.floats == [1, 2, 3])
    }

    @Test func memoryLevelsOffAfterTheLargestBatch() throws {
        let (executor, _) = try trained()
        func run(_ rows: Int) throws {
            var inputs = scalars
            inputs["x"] = try TensorData([Float](repeating: 1, count: rows * 4), shape: [rows, 4])
            _ = try executor.run(inputs)
        }
        try run(5000)
        let largest = executor.residentByteCount
        for rows in stride(from: 1, to: 5000, by: 123) { try run(rows) }
        #expect(executor.residentByteCount == largest)
    }

    @Test func libraryMatmulAgrees() throws {
        var numbers = Numbers()
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
            let graph = try GraphBuilder.build("library") { g in
                let a = g.input("a", .f32, left ? ["b", 30, "m"] : ["b", "m", 30])
                let b = g.input("b", .f32, right ? ["b", 21, 30] : ["b", 30, 21])
                g.output("c", a.matmul(b, transposeLeft: left, transposeRight: right))
            }
            let inputs = [
                "a": numbers.tensor(left ? [3, 30, 17] : [3, 17, 30]),
                "b": numbers.tensor(right ? [3, 21, 30] : [3, 30, 21]),
            ]
            let options = CompilerOptions(matmul: .openblas, cache: .off)
            try CompiledComparison(graph: graph, inputs: inputs, options: options, tolerance: 1e-4).check()
        }
    }

    @Test func compiledObjectsComeBackFromTheCache() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        for _ in 0..<2 {
            let compiler = try Compiler(CompilerOptions(cache: .directory(directory)))
            let parameters = ParameterStore()
            let executor = try compiler.compile(try linear(), parameters: parameters)
            try parameters.set("w", TensorData([1, 2, 3, 4] as [Float], shape: [4, 1]))
            let x = try TensorData([1, 1, 1, 1] as [Float], shape: [1, 4])
            #expect(abs(try executor.run(["x": x])["loss"]!.floats[0] - Float(log(10.0))) < 1e-6)
            #expect(compiler.cacheWarning == nil)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count > 1)
    }

    @Test func optionsThatCannotBeAreRefused() {
        #expect(throws: ExecutionError.self) { try Compiler(CompilerOptions(instructionSet: "mmx")) }
        #expect(throws: ExecutionError.self) { try Compiler(CompilerOptions(threads: 0)) }
    }
}
