import Encoders
import Foundation
import Pipelines
import TestSupport
import Testing
import Training

/// What is on disk when a run was stopped, went wrong, or goes on otherwise than it began.
@Suite struct StoppingTests {
    static func finished(_ more: (inout TrainingConfig) -> Void = { _ in }) throws -> (
        TemporaryDirectory, TrainingConfig
    ) {
        let output = try ResumeTests.output()
        var config = ResumeTests.config(output)
        config.optimizer.maxSteps = 8
        config.output.keepCheckpoints = 2
        more(&config)
        _ = try trainModel(config)
        config.output.resume = "latest"
        return (output, config)
    }

    /// The run with its notes.
    static func notes(_ config: TrainingConfig) throws -> (TrainingReport, notes: [String]) {
        var notes: [String] = []
        let report = try trainModel(config) { event in
            switch event {
            case .note(let text): notes.append(text)
            case .started(let summary): notes += summary.warnings
            default: break
            }
        }
        return (report, notes)
    }

    static let state = "run/checkpoints/step-8/state.json"

    /// Puts another value into the state of the last checkpoint.
    static func set(_ field: String, to value: String, in output: TemporaryDirectory) throws {
        let text = String(decoding: try output.data(state), as: UTF8.self)
        let lines = text.split(separator: "\n").map { line in
            line.hasPrefix("  \"\(field)\": ") ? "  \"\(field)\": \(value)," : String(line)
        }
        #expect(lines.joined(separator: "\n") + "\n" != text)
        try output.write(state, lines.joined(separator: "\n"))
    }

    // MARK: Going on otherwise

    /// The value of the best evaluation is never that of another metric: the best model is measured again.
    @Test(arguments: [
        (Metric.loss, Metric.accuracy), (.accuracy, .loss), (.macroF1, .matthews),
    ])
    func anotherMetric(before: Metric, now: Metric) throws {
        var (output, config) = try Self.finished { $0.evaluation.metric = before }
        (config.evaluation.metric, config.optimizer.maxSteps, config.evaluation.every) = (now, 9, 100)
        config.optimizer.learningRate = 1e-3
        let saved = try EncoderPipeline(contentsOf: output.path + "/run").evaluate(
            contentsOf: output.path + "/valid.txt")
        let (report, notes) = try Self.notes(config)
        #expect(notes.contains { $0.hasPrefix("metric is \(now.rawValue), but was \(before.rawValue)") })
        let values = report.evaluations.compactMap(\.value) + [try #require(saved.value(now))]
        #expect(report.bestValue == (now == .loss ? values.min() : values.max()))
    }

    @Test func otherValidationData() throws {
        var (output, config) = try Self.finished()
        let labels = String(decoding: try output.data("valid_labels.txt"), as: UTF8.self)
        let other = labels.split(separator: "\n").map { $0 == "positive" ? "negative" : "positive" }
        try output.write("valid_labels.txt", other.joined(separator: "\n"))
        let saved = try EncoderPipeline(contentsOf: output.path + "/run").evaluate(
            contentsOf: output.path + "/valid.txt")
        config.optimizer.maxSteps = 9
        let (report, notes) = try Self.notes(config)
        #expect(notes.contains { $0.hasPrefix("the validation data differ") })
        let values = report.evaluations.compactMap(\.value) + [try #require(saved.accuracy)]
        #expect(report.bestValue == values.max())
        // Without any, the last step's model is saved.
        config.data.validationFile = ""
        config.optimizer.maxSteps = 10
        let (last, more) = try Self.notes(config)
        #expect(last.bestStep == nil && more.contains { $0.contains("no validation data any more") })
        let checkpoint = try tensors(output.path + "/run/checkpoints/step-10/model.safetensors")
        let model = try tensors(output.path + "/run/model.safetensors")
        #expect(model["classifier.weight"] == checkpoint["classifier.weight"])
    }

    /// Another length is another schedule: the learning rate jumps, which is said.
    @Test func anotherLength() throws {
        var (output, config) = try Self.finished()
        defer { withExtendedLifetime(output) {} }
        config.optimizer.maxSteps = 16
        #expect(
            try Self.notes(config).notes.contains { $0.contains("had 8 steps, this one has 16: step 9 has") })
        config.optimizer.maxSteps = 16
        #expect(try Self.notes(config).notes.allSatisfy { !$0.contains("steps, this one has") })
    }

    @Test func anotherModelIsRefused() throws {
        var (output, config) = try Self.finished {
            let model = Repository.small + "/model.json"
            let text = (try? String(contentsOfFile: model, encoding: .utf8)) ?? ""
            let vocabulary =
                (try? String(contentsOfFile: Repository.small + "/vocab.txt", encoding: .utf8)) ?? ""
            _ = try? FileManager.default.createDirectory(
                atPath: $0.directory + "/model", withIntermediateDirectories: true)
            try? text.write(toFile: $0.directory + "/model/model.json", atomically: true, encoding: .utf8)
            try? vocabulary.write(
                toFile: $0.directory + "/model/vocab.txt", atomically: true, encoding: .utf8)
            $0.model.path = "model/model.json"
        }
        config.optimizer.maxSteps = 9
        let path = output.path + "/model/model.json"
        var object = try #require(
            try JSONSerialization.jsonObject(with: output.data("model/model.json")) as? [String: Any])
        object["layer_norm_eps"] = 1e-3
        try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
        #expect(
            message { _ = try trainModel(config) }?.contains("a different model configuration") == true)
    }

    /// Another run's checkpoint starts logs and the search for the best evaluation anew.
    @Test func anotherRunsCheckpoint() throws {
        var (output, config) = try Self.finished()
        config.output.directory = "other"
        config.output.resume = nil
        _ = try trainModel(config)
        (config.output.resume, config.optimizer.maxSteps) = ("run/checkpoints/step-8", 10)
        let (report, notes) = try Self.notes(config)
        #expect(
            notes.contains {
                $0.contains("in the directory of another run: the search for the best evaluation starts over")
            })
        #expect(report.bestStep == 10)
        let log = String(decoding: try output.data("other/log.csv"), as: UTF8.self).split(separator: "\n")
        #expect(log.dropFirst().map { $0.prefix { $0 != "," } } == ["9", "10", "10"])
    }

    // MARK: Damage

    /// The newest checkpoint that is whole is gone on from; when none is, the newest is named.
    @Test(arguments: ["model.safetensors", "optimizer.safetensors", "state.json"])
    func latestFallsBack(file: String) throws {
        var (output, config) = try Self.finished()
        let name = "run/checkpoints/step-8/" + file
        try output.data(name).dropLast(20).write(to: output.url.appendingPathComponent(name))
        var resumed: Int?
        var notes: [String] = []
        config.optimizer.maxSteps = 9
        _ = try trainModel(config) { event in
            if case .resumed(_, let step) = event { resumed = step }
            if case .started(let summary) = event { notes = summary.warnings }
        }
        #expect(resumed == 4)
        #expect(notes.contains { $0.hasPrefix(output.path + "/" + name) && $0.hasSuffix("is skipped") })
        for step in [8, 9] {
            try output.write("run/checkpoints/step-\(step)/state.json", "{}")
        }
        #expect(message { _ = try trainModel(config) }?.contains("step-9/state.json: is damaged") == true)
    }

    @Test func countsThatCannotBeAreDamage() throws {
        var (output, config) = try Self.finished()
        config.output.resume = "run/checkpoints/step-8"
        config.optimizer.maxSteps = 16
        let whole = try output.data(Self.state)
        let large = "9223372036854775807"
        for (field, value) in [
            ("batch", "-1"), ("batch", "3"), ("epoch", large), ("epoch", "2"), ("step", "-1"), ("step", "7"),
            ("sequences", large), ("real_tokens", "-1"), ("padded_tokens", large), ("micro_batch", "1"),
            ("micro_batch_size", "0"), ("loss_scale", "0"), ("steps_at_loss_scale", large),
            ("skipped_steps", large), ("evaluations_without_best", large), ("logged_steps", "-1"),
            ("best_step", "1e300"), ("evaluated_step", large), ("steps", "0"), ("loss_sum", "null"),
        ] {
            try whole.write(to: output.url.appendingPathComponent(Self.state))
            try Self.set(field, to: value, in: output)
            let error = message { _ = try trainModel(config) }
            #expect(
                error?.contains("is damaged: ") == true
                    || error?.contains("do not fit into maxMemory") == true,
                "\(field) \(value): \(error ?? "nothing")")
        }
    }

    // MARK: Numbers that are not finite

    /// Neither in the last step nor before a checkpoint are they saved, and what was good stays.
    @Test(arguments: [1e38, 1e30]) func onlyFiniteNumbersAreSaved(rate: Double) throws {
        let output = try ResumeTests.output()
        var config = ResumeTests.config(output)
        (config.data.validationFile, config.optimizer.warmupSteps, config.optimizer.schedule) = (
            "", 0, .constant
        )
        (config.optimizer.maxSteps, config.output.saveEvery) = (2, 1)
        _ = try trainModel(config)
        let good = try output.data("run/checkpoints/step-2/model.safetensors")
        let state = String(decoding: try output.data("run/checkpoints/step-2/state.json"), as: UTF8.self)
        try output.write(
            "run/checkpoints/step-2/state.json",
            state.replacing("\"learningRate\": 0.001", with: "\"learningRate\": \(rate)"))
        let model = try output.data("run/model.safetensors")
        (config.optimizer.maxSteps, config.optimizer.learningRate, config.output.resume) = (3, rate, "latest")
        let error = message { _ = try trainModel(config) }
        #expect(error?.hasPrefix("step 3 (epoch 1): ") == true, "\(error ?? "nothing")")
        #expect(error?.contains("nothing was saved, and checkpoints/step-2 stays") == true)
        #expect(try output.data("run/checkpoints/step-2/model.safetensors") == good)
        #expect(try output.data("run/model.safetensors") == model)
        #expect(!output.exists("run/checkpoints/step-3") && !output.exists("run/checkpoints/.step-3.partial"))
        (config.output.saveEvery, config.output.resume) = (0, nil)
        #expect(message { _ = try trainModel(config) }?.contains("lower learningRate") == true)
        #expect(try output.data("run/model.safetensors") == model)
    }

    @Test func freezingEverythingNamesTheField() throws {
        var config = smallConfig(try TemporaryDirectory())
        config.model.freeze = ["*"]
        #expect(message { _ = try trainModel(config) }?.contains("'freeze' leaves nothing to train") == true)
    }

    // MARK: Two runs, and what killed ones left

    @Test func aSecondRunIsRefused() throws {
        let output = try TemporaryDirectory()
        let directory = output.path + "/new/run"
        var lock: OutputLock? = try OutputLock(directory)
        var config = smallConfig(output)
        config.output.directory = "new/run"
        let error = message { _ = try trainModel(config) }
        #expect(error?.hasPrefix("\(directory): process \(getpid()) on ") == true, "\(error ?? "nothing")")
        lock = nil
        // Nothing was written: the directories that the lock needed are gone.
        #expect(lock == nil && !output.exists("new"))
        _ = try trainModel(config)
        #expect(!output.exists("new/run/.bertc.lock"))
    }

    /// Partial files of one's own kind go; a checkpoint that only lacked its name gets it; everything else stays.
    @Test func leftoversOfOnesOwnKindGo() throws {
        var (output, config) = try Self.finished()
        let own = [
            ".model.safetensors.1234.partial", ".vocab.txt.99.partial", ".log.csv.7.partial",
            ".dat.nosync0a3f.Xy12Zz", "checkpoints/.step-12.partial/model.safetensors",
        ]
        let others = [".notes.txt.12.partial", ".model.safetensors.partial", "mine.partial", ".dat.nosync"]
        for name in own + others { try output.write("run/" + name, "x") }
        try FileManager.default.moveItem(
            atPath: output.path + "/run/checkpoints/step-8",
            toPath: output.path + "/run/checkpoints/.step-8.partial")
        config.optimizer.maxSteps = 9
        var resumed: Int?
        _ = try trainModel(config) { if case .resumed(_, let step) = $0 { resumed = step } }
        #expect(resumed == 8)
        for name in own { #expect(!output.exists("run/" + name), "\(name)") }
        for name in others { #expect(output.exists("run/" + name), "\(name)") }
        #expect(!output.exists("run/checkpoints/.step-12.partial"))
    }

    // MARK: The best evaluation

    /// Where the metric says nothing, the lower loss does: the first evaluation is not the best for want of others.
    @Test func aConstantMetricIsNotDecisive() throws {
        let output = try TemporaryDirectory()
        let sentence = "a O\nfine O\nfilm O\n\n"
        try output.write("train.conll", String(repeating: sentence, count: 40) + "it B-X\n")
        try output.write("valid.conll", sentence)
        var config = smallConfig(output, steps: 12)
        (config.task, config.data.trainFile, config.data.validationFile) = (
            .tokenClassification, "train.conll", "valid.conll"
        )
        config.evaluation.every = 3
        let (report, notes) = try Self.notes(config)
        #expect(
            report.metric == .accuracy && notes.contains { $0.contains("has no entities; accuracy decides") })
        config.evaluation.metric = .f1
        let (constant, more) = try Self.notes(config)
        #expect(more.contains { $0.contains("f1 is not defined") })
        for report in [report, constant] {
            let best = try #require(report.evaluations.last { $0.isBest })
            #expect(report.bestStep == best.step && best.step > 3)
            #expect(best.metrics.loss == report.evaluations.map(\.metrics.loss).min())
        }
        #expect(constant.bestValue == nil || constant.bestValue == 0)
    }
}
