import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support

/// A run of several processes: each does what one alone would, on its share of every step's micro-batches and of every evaluation,
/// and comes to the same bits; the first one prints and writes files.
extension Trainer {
    /// Whether this process writes logs, checkpoints and models.
    var writesFiles: Bool { group?.isFirst ?? true }

    /// Whether any process was asked to stop.
    func isStopped() throws -> Bool {
        guard let group, group.size > 1 else { return shouldStop() }
        return try group.any(shouldStop())
    }

    /// Refuses to train where processes differ in what decides the result.
    ///
    /// - Throws: `GroupError` naming what differs, and two processes.
    func agree() throws {
        guard let group, group.size > 1 else { return }
        let settings = state.settings.members.map { name, value in
            (name: "values of '\(name)'", value: value.text(.compact))
        }
        let passes = compiler.options.passes
        let others = [
            ("programs", try Self.programFingerprint()),
            ("values of 'shardOptimizer'", "\(config.optimizer.isSharded)"),
            ("instruction sets", compiler.instructionSet),
            ("values of 'matmul'", compiler.options.matmul.rawValue),
            ("passes that are left out", passes.disabled.sorted().joined(separator: ", ")),
            ("models", modelFingerprint),
            ("training data", task.fingerprint),
            ("validation data", task.validationFingerprint ?? "none"),
            ("numbers of steps", "\(plan.steps)"),
            ("micro-batches", setup.microBatchSize.map { "\($0) sequences" } ?? "whole batches"),
            ("checkpoints to go on from", resumed.map { "step \($0.state.position.step)" } ?? "none"),
        ]
        try group.agree(on: settings + others)
        // What is read again must be where the first process writes it.
        guard config.optimizer.isSharded || config.evaluation.saveBest else { return }
        try group.agree(on: [("owners of outputDirectory", OutputLock.owner(of: outputDirectory) ?? "nobody")]
        )
    }

    /// Refuses to train where parameters or states differ.
    func agreeOnParameters() throws {
        guard let group, group.size > 1 else { return }
        var hash = Fingerprint()
        var names = model.specs.map(\.name)
        if !model.training.sharesUpdate {
            names += model.training.stateNames(withSums: position.microBatch > 0)
        }
        for name in names.sorted() { model.parameters.withBytes(name) { hash.addWords($0) } }
        try group.agree(on: [("parameters", hash.text)])
    }

    /// Changes when the program does.
    private static func programFingerprint() throws -> String {
        var hash = Fingerprint()
        guard let program = FileManager.default.contents(atPath: "/proc/self/exe") else { return "unknown" }
        program.withUnsafeBytes { hash.addWords($0) }
        return hash.text
    }

    /// A step whose micro-batches, or pieces of batches, are shared.
    func run(_ step: TaskStep, rate: Double, in group: ProcessGroup) throws -> StepResult {
        let training = model.training
        let batches = step.inputs.map(model.readInputs)
        if training.cachesBatches {
            let whole = step.cachedBatches(batches)
            for (index, (first, batch)) in whole.enumerated() {
                _ = try training.accumulate(batch, first: first, endsStep: index + 1 == whole.count)
            }
        } else {
            let left = Array(position.microBatch..<batches.count)
            _ = try training.accumulate(left.count, endsStep: true) { index in
                guard let teacher else { return batches[left[index]] }
                return model.readInputs(of: try teacher.inputs(of: step, microBatch: left[index]))
            }
        }
        return try training.update(rate: rate)
    }

    /// What to know about a run that goes on with another number of processes.
    ///
    /// - Throws: `ModelError` where a step has not a micro-batch for each.
    static func note(
        of checkpoint: TrainingCheckpoint?, from before: Int, to now: Int, _ config: TrainingConfig
    ) throws -> String {
        let count = config.batches.gradientAccumulation
        let steps =
            "its steps have \(Formatted.count(count, "batch", "batches")), as \(Formatted.count(before, "process", "processes")) had"
        let path = checkpoint?.directory.path ?? ""
        guard count >= now || config.isSharedInPieces else {
            throw ModelError(
                .invalidCheckpoint,
                "\(steps), too few for \(now) processes; start at most \(count), or start over", at: path)
        }
        return
            "\(path): \(steps); \(Formatted.count(now, "process has", "processes have")) the same steps now"
    }
}

extension TrainingConfig {
    /// Whether processes share each batch, in pieces, so that its texts are compared across processes.
    var isSharedInPieces: Bool { task == .embedding && batches.miniBatchSize != nil }

    /// The configuration of a run of one process that has the steps of as many: unless they share the pieces of a batch, a step
    /// adds up a batch for each, as Hugging Face and PyTorch have it.
    func shared(by processes: Int) -> TrainingConfig {
        guard processes > 1, !isSharedInPieces else { return self }
        var config = self
        config.batches.gradientAccumulation *= processes
        for index in config.pretraining.phases.indices {
            config.pretraining.phases[index].gradientAccumulation? *= processes
        }
        return config
    }
}
