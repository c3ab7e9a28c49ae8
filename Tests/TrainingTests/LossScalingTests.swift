import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Training

@Suite struct LossScalingTests {
    @Test func theScaleGrowsAndBacksOff() {
        var scaler = LossScaler()
        #expect(scaler.scale == 65536)
        for _ in 0..<1999 { scaler.note(isSkipped: false) }
        #expect(scaler.scale == 65536)
        scaler.note(isSkipped: false)
        #expect(scaler.scale == 131072 && scaler.steps == 0)
        scaler.note(isSkipped: false)
        scaler.note(isSkipped: true)
        #expect(scaler.scale == 65536 && scaler.steps == 0 && scaler.skipped == 1)
        for _ in 0..<29 { scaler.note(isSkipped: true) }
        #expect(scaler.scale == 0x1p-13 && !scaler.isExhausted)
        scaler.note(isSkipped: true)
        #expect(scaler.isExhausted && scaler.skipped == 31)
        scaler.scale = 0x1p127
        scaler.steps = 1999
        scaler.note(isSkipped: false)
        #expect(scaler.scale == 0x1p127)
    }

    /// A step whose gradients overflow changes nothing, and the next one is as if it had not been.
    @Test(arguments: [false, true]) func anOverflowIsSkipped(accumulates: Bool) throws {
        let options = OptimizerOptions(maxGradientNorm: 1, averageDecay: 0.9, scalesLoss: true)
        func model() throws -> TrainableModel {
            try AccumulationTests.model(
                dropout: 0.1, accumulates: accumulates, options, seed: 3, precision: .fp16)
        }
        func state(_ model: TrainableModel) -> [String: [UInt8]] {
            Dictionary(
                uniqueKeysWithValues: model.parameters.names.filter { !$0.hasSuffix(".grad") }.map {
                    ($0, model.parameters.get($0)?.bytes ?? [])
                })
        }
        let inputs = try AccumulationTests.inputs(accumulates ? [[0, 1, 2], [3, 4]] : [[0, 1, 2]])
        let (fresh, planted) = (try model(), try model())
        let before = state(planted)
        planted.training.position.scaler.scale = 0x1p100
        let skipped = try planted.training.step(inputs, rate: 1e-3)
        #expect(skipped.isSkipped && skipped.loss.isFinite)
        #expect(state(planted) == before)
        #expect(planted.training.position.scaler.scale == 0x1p99 && planted.training.position.step == 1)
        planted.training.position.scaler.scale = 1024
        fresh.training.position = planted.training.position
        let results = try [fresh, planted].map { try $0.training.step(inputs, rate: 1e-3) }
        #expect(!results[0].isSkipped && results[0] == results[1])
        #expect(state(planted) != before)
        #expect(state(planted) == state(fresh))
    }

    static func config(_ output: TemporaryDirectory) -> TrainingConfig {
        var config = smallConfig(output, steps: 24)
        config.machine.precision = .fp16
        config.output.saveEvery = 8
        config.output.keepCheckpoints = 1
        config.output.logEvery = 1
        return config
    }

    /// fp16 follows fp32, its scale is logged, and its checkpoints go on with the same bits.
    @Test func runsInFP16() throws {
        let (whole, parts) = (try TemporaryDirectory(), try TemporaryDirectory())
        var config = Self.config(whole)
        let low = try losses(config)
        config.machine.precision = .fp32
        config.output.directory = "exact"
        let exact = try losses(config)
        for (a, b) in zip(low, exact) { #expect(abs(a - b) < 0.02 * b) }
        let log = String(decoding: try whole.data("run/log.csv"), as: UTF8.self)
        #expect(log.contains(",65536.0,0"))

        config = Self.config(parts)
        var asked = 0
        _ = try trainModel(
            config,
            shouldStop: {
                asked += 1
                return asked == 11
            })
        config.output.resume = "latest"
        _ = try trainModel(config)
        for file in ["model.safetensors", "optimizer.safetensors", "state.json"] {
            let path = "run/checkpoints/step-24/" + file
            #expect(try whole.data(path) == parts.data(path), "\(file)")
        }
    }

    /// A scale that is too large, planted into a checkpoint: steps are skipped until it fits, counted and logged.
    @Test func aRunRecoversFromAnOverflow() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output)
        config.optimizer.maxSteps = 8
        _ = try trainModel(config)
        let path = output.path + "/run/checkpoints/step-8/state.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let planted = text.replacing(/"loss_scale" *: *65536(\.0)?/, with: "\"loss_scale\": 1073741824")
        #expect(planted != text)
        try planted.write(toFile: path, atomically: true, encoding: .utf8)
        (config.optimizer.maxSteps, config.output.resume) = (24, "latest")
        var steps: [StepReport] = []
        let report = try trainModel(config) { if case .step(let step) = $0 { steps.append(step) } }
        let skipped = Int(try #require(steps.last?.extras[.skippedSteps]))
        #expect(report.end == .finished && skipped > 0 && skipped < 16)
        #expect(steps.count { !$0.gradientNorm.isFinite } == skipped)
        #expect(steps.last?.extras[.lossScale] == 0x1p30 / Double(1 << skipped))
        let log = String(decoding: try output.data("run/log.csv"), as: UTF8.self)
        let rows = log.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let column = try #require(rows[0].firstIndex(of: "skipped_steps"))
        #expect(rows.last?[column] == "\(skipped).0")
    }

    @Test func slowPrecisionsAreNamed() throws {
        var warnings: [String] = []
        var config = Self.config(try TemporaryDirectory())
        config.optimizer.maxSteps = 1
        _ = try trainModel(config) { if case .started(let summary) = $0 { warnings = summary.warnings } }
        #expect(warnings.contains { $0.hasPrefix("fp16 is no faster than fp32 here") })
        let compiler = try Compiler(CompilerOptions(instructionSet: "avx2", precision: .bf16))
        #expect(compiler.slowPrecisionNote?.contains("AVX512-BF16") == true)
        #expect(try Compiler(CompilerOptions(instructionSet: "avx2")).slowPrecisionNote == nil)
    }
}
