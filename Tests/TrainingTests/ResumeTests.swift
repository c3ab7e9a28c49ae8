import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Training

@Suite struct ResumeTests {
    /// Dropout is on: the small model's rate is 0.1.
    static func config(_ output: TemporaryDirectory) -> TrainingConfig {
        var config = smallConfig(output, steps: 14)
        config.data.trainFile = "train.txt"
        config.data.validationFile = "valid.txt"
        config.output.saveEvery = 4
        config.evaluation.every = 5
        config.optimizer.warmupSteps = 3
        config.output.logEvery = 3
        return config
    }

    /// 60 examples: an epoch has 8 steps, so that step 8 ends one and step 4 is in the middle of one.
    static func output() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        for (name, lines) in [("train", 0..<60), ("valid", 60..<90)] {
            for ending in [".txt", "_labels.txt"] {
                let all = try String(contentsOfFile: Repository.small + "/train\(ending)", encoding: .utf8)
                let rows = all.split(separator: "\n")[lines]
                try directory.write(name + ending, rows.joined(separator: "\n") + "\n")
            }
        }
        return directory
    }

    /// Runs until just after `steps` steps and throws there.
    static func crash(_ config: TrainingConfig, after steps: Int) throws {
        #expect(throws: Crash.self) {
            _ = try trainModel(config) { event in
                if case .step(let step) = event, step.step == steps { throw Crash() }
            }
        }
    }

    /// A checkpoint before the first evaluation, one in the middle of an epoch, and one at its end.
    @Test(
        arguments: [
            (5, OptimizerStates.f32), (8, .f32), (9, .f32), (13, .f32), (9, .bf16),
        ])
    func resumingGivesTheSameBits(steps: Int, states: OptimizerStates) throws {
        let (whole, parts) = (try Self.output(), try Self.output())
        var config = Self.config(whole)
        config.optimizer.states = states
        let expected = try trainModel(config)
        config = Self.config(parts)
        config.optimizer.states = states
        try Self.crash(config, after: steps)
        config.output.resume = "latest"
        config.machine.threads = 1
        var resumed: Int?
        let report = try trainModel(config) { if case .resumed(_, let step) = $0 { resumed = step } }
        // The checkpoint of the step itself comes after the crash.
        #expect(resumed == (steps - 1) / 4 * 4)
        let checkpoint = "checkpoints/step-14/"
        for file in ["model.safetensors", "optimizer.safetensors", "state.json"].map({ checkpoint + $0 })
            + ["model.safetensors"]
        {
            #expect(try whole.data("run/" + file) == parts.data("run/" + file), "\(file)")
        }
        #expect(report.bestStep == expected.bestStep && report.bestValue == expected.bestValue)
        #expect(report.evaluations.last?.metrics == expected.evaluations.last?.metrics)
        // The epoch that the checkpoint is in the middle of is summed up as if it had not been cut.
        #expect(report.epochs == [] || report.epochs.last?.loss == expected.epochs.last?.loss)

        // The log is that of a run that was not stopped, but for the time that steps took.
        func rows(_ output: TemporaryDirectory) throws -> [[Substring]] {
            try String(decoding: output.data("run/log.csv"), as: UTF8.self).split(separator: "\n").map {
                row in
                let cells = row.split(separator: ",", omittingEmptySubsequences: false)
                return Array(cells[..<5] + cells[6...])
            }
        }
        #expect(try rows(whole) == rows(parts))
    }

    @Test func aFinishedRunHasNothingLeftToDo() throws {
        let output = try Self.output()
        var config = Self.config(output)
        let first = try trainModel(config)
        config.output.resume = "latest"
        var steps = 0
        let second = try trainModel(config) { if case .step = $0 { steps += 1 } }
        #expect(steps == 0 && second.bestValue == first.bestValue && second.steps == 14)
    }

    @Test func anInterruptedRunSavesACheckpoint() throws {
        let output = try Self.output()
        var done = 0
        let report = try trainModel(
            Self.config(output), observer: { if case .step = $0 { done += 1 } }, shouldStop: { done == 6 })
        #expect(report.end == .interrupted && report.steps == 6)
        #expect(output.exists("run/checkpoints/step-6/state.json"))
    }

    @Test func onlyTheNewestCheckpointsStay() throws {
        let output = try Self.output()
        try output.write("run/checkpoints/step-99/state.json", "{}")
        try output.write("run/checkpoints/.step-3.partial/state.json", "{}")
        var config = Self.config(output)
        config.output.keepCheckpoints = 2
        _ = try trainModel(config)
        let names = try FileManager.default.contentsOfDirectory(atPath: output.path + "/run/checkpoints")
        #expect(names.sorted() == ["step-12", "step-14"])
    }

    @Test func otherSettingsOrDataAreRefused() throws {
        let output = try Self.output()
        var config = Self.config(output)
        _ = try trainModel(config)
        config.output.resume = "latest"
        config.optimizer.maxSteps = 20
        config.optimizer.learningRate = 2e-3
        let directory = output.path + "/run/checkpoints/step-14"
        #expect(
            message { _ = try trainModel(config) }
                == "\(directory): was made with 'learningRate' 0.001, but it is 0.002 now; set it back, or start over "
                + "with \"resume\": null")
        config.optimizer.learningRate = 1e-3
        let labels = String(decoding: try output.data("train_labels.txt"), as: UTF8.self).split(
            separator: "\n")
        try output.write("train_labels.txt", labels.reversed().joined(separator: "\n"))
        #expect(
            message { _ = try trainModel(config) }?.contains("was made with different training data") == true)
    }

    @Test func damagedCheckpointsAreNamed() throws {
        let output = try Self.output()
        var config = Self.config(output)
        _ = try trainModel(config)
        config.output.resume = "run/checkpoints/step-14"
        config.optimizer.maxSteps = 16
        let weights = output.path + "/run/checkpoints/step-14/optimizer.safetensors"
        let data = try Data(contentsOf: URL(fileURLWithPath: weights))
        try data.prefix(data.count - 10).write(to: URL(fileURLWithPath: weights))
        #expect(message { _ = try trainModel(config) }?.hasPrefix(weights) == true)
        try output.write("run/checkpoints/step-14/state.json", "{\"version\": 2}")
        #expect(
            message { _ = try trainModel(config) }?.contains("state.json: is damaged: it has no 'settings'")
                == true)
        config.output.resume = "nowhere"
        #expect(message { _ = try trainModel(config) }?.contains("nowhere/state.json: no such file") == true)
    }
}
