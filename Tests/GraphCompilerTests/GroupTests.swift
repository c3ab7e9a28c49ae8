import GraphCompiler
import Support
import TestSupport
import Testing

/// Processes that share the micro-batches of a step come to the bits of one process that has them all.
@Suite struct GroupTests {
    /// A table, two layers, dropout, and a loss that is a mean over rows.
    static func graph() throws -> Graph {
        try GraphBuilder.build("net") { g in
            let ids = g.input("ids", .i32, ["rows"])
            let y = g.input("y", .f32, ["rows", 5])
            let rng = g.input("rng", .i64, [2])
            let x = g.parameter("table", [40, 24]).gather(ids)
            let hidden = (x.matmul(g.parameter("w1", [24, 33])) + g.parameter("b1.bias", [33])).gelu()
            let dropped = g.dropout(hidden, rate: 0.25, rng: rng)
            // Two parameters with one gradient, which is no parameter's own.
            let out =
                dropped.matmul(g.parameter("w2", [33, 5])) + g.parameter("b2.bias", [5])
                + g.parameter("b3.bias", [5])
            let error = out - y
            g.output("loss", (error * error).mean())
        }
    }

    static let shapes: [(name: String, shape: [Int])] = [
        ("table", [40, 24]), ("w1", [24, 33]), ("b1.bias", [33]), ("w2", [33, 5]), ("b2.bias", [5]),
        ("b3.bias", [5]),
    ]

    static func numbers(_ count: Int, _ seed: UInt64) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in Float(random.uniform() - 0.5) }
    }

    /// A step's micro-batches, of different sizes.
    static func microBatches(step: Int) throws -> [StepInputs] {
        let rows = [7, 3, 12, 1, 5]
        return try rows.enumerated().map { index, count in
            let seed = UInt64(100 * step + index)
            var random = SplitMix64(seed: seed)
            let ids = (0..<count).map { _ in Int32(random.next() % 40) }
            return StepInputs(
                [
                    "ids": TensorData(ids),
                    "y": try TensorData(numbers(count * 5, seed + 50), shape: [count, 5]),
                ],
                lossWeights: [Float(count) / Float(rows.reduce(0, +))])
        }
    }

    struct Setting: Sendable, CustomTestStringConvertible {
        var precision = Precision.fp32
        var optimizer = Optimizer.adamW
        var states = OptimizerStates.f32

        var testDescription: String { "\(precision) \(optimizer) \(states)" }

        static let all = [
            Setting(), Setting(precision: .bf16), Setting(precision: .fp16), Setting(optimizer: .lamb),
            Setting(precision: .bf16, states: .bf16),
        ]
    }

    struct Outcome: Sendable, Equatable {
        var losses: [Double] = []
        var norms: [Double] = []
        var parameters: [String: [UInt8]] = [:]
    }

    static func train(
        _ setting: Setting, in group: ProcessGroup?, shardsOptimizer: Bool = false
    ) throws -> Outcome {
        var options = TrainingOptions(
            OptimizerOptions(
                setting.optimizer, states: setting.states, maxGradientNorm: 0.05, averageDecay: 0.9,
                scalesLoss: setting.precision == .fp16),
            accumulates: true, seed: 3)
        (options.group, options.shardsOptimizer) = (group, shardsOptimizer)
        let program = try GraphCompiler.compileTraining(
            graph(), options, options: CompilerOptions(threads: 1, precision: setting.precision, cache: .off))
        for (index, (name, shape)) in shapes.enumerated() {
            let values = numbers(shape.reduce(1, *), UInt64(index))
            try program.store.set(name, try TensorData(values, shape: shape))
        }
        // So that the first steps overflow.
        if setting.precision == .fp16 { program.position.scaler.scale = 0x1p24 }
        var outcome = Outcome()
        for step in 0..<4 {
            let result = try program.step(try microBatches(step: step), rate: 0.01)
            outcome.losses.append(result.loss)
            outcome.norms.append(result.isSkipped ? -1 : result.gradientNorm)
        }
        for name in program.parameters.map(\.name) + program.stateNames(withSums: false) {
            outcome.parameters[name] = program.store.get(name)?.bytes
        }
        return outcome
    }

    /// A gradient that is a parameter's own is complete when its kernel is done; one of two parameters is copied when all are.
    @Test func sumsAreCompleteWhenTheirMemoryIsWritten() throws {
        let compiler = try Compiler(CompilerOptions(threads: 1, cache: .off))
        let step = try accumulationStep(Self.graph(), addsUp: false)
        let program = try compiler.lower(try compiler.runPasses(step).last?.graph ?? step)
        let (order, counts) = program.completion(of: ["w1.grad", "b2.bias.grad", "b3.bias.grad"])
        #expect(counts[0] <= order.count)
        #expect(counts[1...].contains(.max), "\(counts)")
    }

    /// The program of the update writes the panels that the other one reads, so that nothing is packed between steps.
    @Test func updatesWriteThePanelsOfMicroBatches() throws {
        let options = TrainingOptions(accumulates: true)
        let program = try GraphCompiler.compileTraining(
            Self.graph(), options, options: CompilerOptions(threads: 1, precision: .bf16, cache: .off))
        let (micro, update) = (program.executors[0], program.executors[1])
        let read = Set(
            micro.program.packings.keys.compactMap { packed -> String? in
                let node = micro.program.graph[packed.parameter.node]
                guard case .source(.parameter(let name, _, _)) = node.op else { return nil }
                return name
            })
        #expect(read.contains("w1") && read.contains("w2"))
        for name in read { #expect(update.writtenPanels[name]?.isEmpty == false, "\(name)") }
    }

    @Test(arguments: Setting.all) func processesAreMicroBatches(setting: Setting) throws {
        let one = try Self.train(setting, in: nil)
        if setting.precision == .fp16 { #expect(one.norms.contains(-1) && one.norms.contains { $0 > 0 }) }
        for (size, sharesMemory) in [(1, true), (2, true), (3, true), (4, true), (2, false), (3, false)] {
            let outcomes = try inGroup(of: size, sharesMemory: sharesMemory) { group in
                #expect(group.sharesMemory == (sharesMemory && size > 1))
                return try Self.train(setting, in: group)
            }
            for outcome in outcomes {
                #expect(outcome.losses == one.losses && outcome.norms == one.norms)
                for (name, bytes) in one.parameters { #expect(outcome.parameters[name] == bytes, "\(name)") }
            }
        }
        // Each with the states of its own parameters only, which together are all.
        for sharesMemory in [true, false] {
            let shared = try inGroup(of: 3, sharesMemory: sharesMemory) {
                try Self.train(setting, in: $0, shardsOptimizer: true)
            }
            var states: [String: Int] = [:]
            for outcome in shared {
                #expect(outcome.losses == one.losses && outcome.norms == one.norms)
                for (name, bytes) in outcome.parameters { #expect(one.parameters[name] == bytes, "\(name)") }
                for name in Self.shapes.map(\.name) { #expect(outcome.parameters[name] != nil) }
                for name in outcome.parameters.keys { states[name, default: 0] += 1 }
            }
            for name in one.parameters.keys where !Self.shapes.contains(where: { $0.name == name }) {
                #expect(states[name] == 1, "\(name)")
            }
        }
    }
}
