import CAllocationCounter
import Foundation
import GraphCompiler
import Testing

/// What a run does not do once it is warm. In processes of their own, where nothing else allocates or touches memory.
@Suite struct SteadyStateTests {
    /// Code that is not optimised allocates for every access to a stored property.
    private static var isOptimized: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }

    /// A step of training with `layers` layers, its memory larger than the least that gets huge pages.
    static func training(layers: Int) throws -> (step: TrainingProgram, inputs: [String: TensorData]) {
        let graph = try GraphBuilder.build("layers") { g in
            var x = g.input("x", .f32, ["rows", 64])
            for layer in 0..<layers {
                x = (x.matmul(g.parameter("w\(layer)", [64, 64])) + g.parameter("b\(layer)", [64])).tanh()
            }
            g.output("loss", (x * x).mean())
        }
        let training = try compileTraining(
            graph, TrainingOptions(OptimizerOptions(maxGradientNorm: 1)),
            options: CompilerOptions(threads: 2, cache: .off))
        let rows = 4096
        for spec in training.parameters {
            let count = spec.type.extents([:])!.reduce(1, *)
            try training.store.set(
                spec.name,
                try TensorData((0..<count).map { Float($0 % 7) / 70 }, shape: spec.type.extents([:])!))
        }
        let values = (0..<(rows * 64)).map { Float($0 % 11) / 11 }
        return (training, ["x": try TensorData(values, shape: [rows, 64])])
    }

    /// Allocations of `steps` steps after some that don't count.
    static func allocations(layers: Int, steps: Int = 10) throws -> Int {
        let (training, inputs) = try training(layers: layers)
        for _ in 0..<3 { _ = try training.step(inputs, rate: 1e-3) }
        let before = allocationCount()
        for _ in 0..<steps { _ = try training.step(inputs, rate: 1e-3) }
        return allocationCount() - before
    }

    /// Taking inputs in and handing results out allocates; launches, of which one graph has five times as many, don't.
    @Test(.enabled(if: SteadyStateTests.isOptimized && allocationCount() >= 0)) func launchesAllocateNothing()
        async
    {
        await #expect(processExitsWith: .success) {
            let (few, many) = (try Self.allocations(layers: 4), try Self.allocations(layers: 20))
            #expect(few > 0, "the counter counts")
            #expect(many == few)
        }
    }

    @Test func warmStepsFaultNoPages() async {
        await #expect(processExitsWith: .success) {
            let (training, inputs) = try Self.training(layers: 8)
            func faults() -> Int {
                var usage = rusage()
                getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
                return usage.ru_minflt
            }
            let start = faults()
            for _ in 0..<5 { _ = try training.step(inputs, rate: 1e-3) }
            let warm = faults()
            for _ in 0..<20 { _ = try training.step(inputs, rate: 1e-3) }
            #expect(warm > start, "the counter counts")
            #expect(faults() - warm <= 2, "20 steps: an allocation of the results may open a page")
        }
    }

    /// Smaller batches, and larger ones that fit, need no new memory.
    @Test func smallerBatchesUseTheSamePlaces() throws {
        let (training, _) = try Self.training(layers: 4)
        func step(_ rows: Int) throws -> (loss: Double, bytes: Int) {
            let values = (0..<(rows * 64)).map { Float($0 % 11) / 11 }
            let inputs = ["x": try TensorData(values, shape: [rows, 64])]
            let loss = try training.step(inputs, rate: 0).loss
            return (loss, training.executors[0].residentByteCount)
        }
        let (fresh, _) = try Self.training(layers: 4)
        let small = try fresh.step(
            ["x": TensorData((0..<(64 * 64)).map { Float($0 % 11) / 11 }, shape: [64, 64])], rate: 0)
        let first = try step(1024)
        #expect(try step(64).bytes == first.bytes)
        #expect(try step(64).loss == small.loss)
        #expect(try step(1024) == first)
    }
}
