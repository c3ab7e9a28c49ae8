import Foundation
import GraphCompiler
import TestSupport
import Testing

@testable import Training

/// Runs of several processes, which threads stand for here: they come to the bits of one process with as many micro-batches.
@Suite struct GroupTrainingTests {
    /// What a run leaves, as bytes and exact numbers.
    struct Outcome: Equatable {
        var steps: [Double] = []
        var evaluations: [Double] = []
        var model = Data()
        var states = Data()
    }

    /// A run, in a directory of its own.
    static func outcome(
        _ config: TrainingConfig, in group: ProcessGroup? = nil, shouldStop: @escaping () -> Bool = { false }
    ) throws -> Outcome {
        var outcome = Outcome()
        let report = try trainModel(
            config, in: group,
            observer: { event in
                if case .step(let step) = event { outcome.steps += [step.loss, step.gradientNorm] }
            }, shouldStop: shouldStop)
        let metrics = report.evaluations.map(\.metrics) + [report.test].compactMap(\.self)
        outcome.evaluations = metrics.flatMap {
            [$0.loss.isNaN ? -1 : $0.loss, $0.value(report.metric) ?? -1]
        }
        guard group?.isFirst ?? true, report.end != .interrupted else { return outcome }
        let directory = config.resolve(config.output.directory)
        outcome.model = try Data(contentsOf: URL(file: directory + "/model.safetensors"))
        let states = "\(directory)/checkpoints/step-\(report.steps)/optimizer.safetensors"
        outcome.states = (try? Data(contentsOf: URL(file: states))) ?? Data()
        return outcome
    }

    /// Kinds of runs.
    enum Kind: CaseIterable {
        case classification, mixed, scaled, distilled, mask, embedding, pieces, pretraining

        /// The directory with the data.
        func output() throws -> TemporaryDirectory {
            switch self {
            case .distilled: try ResumeTests.output()
            case .pretraining: try PretrainingTests.output()
            default: try TemporaryDirectory()
            }
        }

        func config(_ output: TemporaryDirectory) throws -> TrainingConfig {
            var config = smallConfig(output)
            config.data.validationFile = Repository.small + "/valid.txt"
            switch self {
            case .classification:
                (config.optimizer.ema, config.optimizer.kind) = (0.9, .lamb)
                config.machine.recompute = .layer
            case .mixed:
                (config.machine.precision, config.optimizer.states) = (.bf16, .bf16)
                config.batches.miniBatchSize = 3
            case .scaled: config.machine.precision = .fp16
            case .mask:
                config.data.maxLength = 24
                config.mask.form = .structured
            case .distilled: config = try DistillationTests.config(output)
            case .embedding, .pieces:
                config = try EmbeddingTaskTests.config(output, steps: 4)
                config.batches.miniBatchSize = self == .pieces ? 3 : nil
                config.data.validationFile = config.data.trainFile
            case .pretraining: config = PretrainingTests.config(output)
            }
            (config.machine.threads, config.output.saveEvery) = (1, 4)
            config.output.keepCheckpoints = 9
            return config
        }
    }

    @Test(arguments: Kind.allCases) func processesAreMicroBatches(kind: Kind) throws {
        let output = try kind.output()
        let config = try kind.config(output)
        for (size, sharesMemory) in [(2, false), (3, true)] {
            var one = config
            one.output.directory = "one-\(size)"
            if kind != .pieces { one = one.shared(by: size) }
            let expected = try Self.outcome(one)
            #expect(expected.steps.count > 4 && !expected.states.isEmpty)
            var several = config
            several.output.directory = "several-\(size)"
            let shared = several
            let outcomes = try inGroup(of: size, sharesMemory: sharesMemory) {
                try Self.outcome(shared, in: $0)
            }
            for (rank, outcome) in outcomes.enumerated() {
                if rank == 0 { #expect(outcome == expected) }
                #expect(outcome.evaluations == expected.evaluations)
            }
        }
    }

    /// A run that is asked to stop, on one process only, goes on with another number of them to the same bits.
    @Test(arguments: [1, 3]) func runsGoOnWithOtherNumbers(size: Int) throws {
        let output = try TemporaryDirectory()
        var config = try Kind.classification.config(output)
        config.optimizer.maxSteps = 6
        let whole = config
        let expected = try inGroup(of: 4) { try Self.outcome(whole, in: $0) }
        config.output.directory = "parts"
        let first = config
        let stopped = try inGroup(of: 4) { group in
            var asked = 0
            return try Self.outcome(first, in: group) {
                asked += 1
                return group.rank == 2 && asked == 3
            }
        }
        #expect(stopped[0].steps.count == 6)
        config.output.resume = "latest"
        let second = config
        let rest = try inGroup(of: size) { try Self.outcome(second, in: $0) }
        #expect(rest[0].model == expected[0].model && rest[0].states == expected[0].states)
        #expect(stopped[0].steps + rest[0].steps == expected[0].steps)
        let error = message { _ = try inGroup(of: 5) { try Self.outcome(second, in: $0) } }
        #expect(error?.contains("too few for 5 processes") == true, "\(error ?? "none")")
    }

    /// Where each process has a share of the states, it writes its share, and any number of processes goes on from them.
    @Test func sharedStatesGoOnWithAnyNumber() throws {
        let output = try TemporaryDirectory()
        var config = try Kind.classification.config(output)
        config.optimizer.maxSteps = 8
        let whole = config
        let expected = try inGroup(of: 3) { try Self.outcome(whole, in: $0) }
        config.optimizer.isSharded = true
        config.output.directory = "shared"
        let shared = config
        let outcomes = try inGroup(of: 3) { try Self.outcome(shared, in: $0) }
        #expect(outcomes[0].model == expected[0].model && outcomes[0].steps == expected[0].steps)
        let checkpoint = output.path + "/shared/checkpoints/step-4"
        let files = try FileManager.default.contentsOfDirectory(atPath: checkpoint).sorted()
        #expect(
            files == [
                "model.safetensors", "optimizer-00001-of-00003.safetensors",
                "optimizer-00002-of-00003.safetensors", "optimizer-00003-of-00003.safetensors", "state.json",
            ])
        config.output.resume = checkpoint
        for (size, isSharded) in [(1, false), (2, true)] {
            config.optimizer.isSharded = isSharded
            config.output.directory = "on-\(size)"
            let rest = config
            let outcome = try inGroup(of: size) { try Self.outcome(rest, in: $0) }[0]
            #expect(outcome.model == expected[0].model)
            if !isSharded { #expect(outcome.states == expected[0].states) }
        }
        try FileManager.default.removeItem(atPath: checkpoint + "/optimizer-00002-of-00003.safetensors")
        let error = message { _ = try Self.outcome(config) }
        #expect(
            error?.contains("optimizer-00002-of-00003.safetensors: is missing") == true, "\(error ?? "none")")
    }

    /// Processes that differ in what decides the result don't begin, and an error of one is all the others'.
    @Test func differencesAndErrorsEndAll() throws {
        let output = try TemporaryDirectory()
        let config = try Kind.scaled.config(output)
        let differing = outcomes(ofGroupOf: 2) { group in
            var config = config
            if group.rank == 1 { config.seed += 1 }
            return try Self.outcome(config, in: group)
        }
        for outcome in differing {
            let error = message { _ = try outcome.get() }
            #expect(error?.contains("values of 'seed' differ: rank 0") == true, "\(error ?? "none")")
        }
        let failing = outcomes(ofGroupOf: 2) { group in
            try trainModel(
                config, in: group,
                observer: { if case .step = $0 { throw Crash() } })
        }
        guard case .failure(let crash) = failing[0], case .failure(let other) = failing[1] else {
            Issue.record("a process went on alone")
            return
        }
        #expect(crash is Crash && "\(other)" == "another process has ended")
    }
}
