import Foundation
import GraphCompiler
import Pipelines
import Support
import Text
import Training

/// One task of `bertc glue`: training, figures on the development data, predictions. All but the predictions is in
/// one directory, with what was done in `glue.json`.
struct GlueTaskRun {
    let task: GlueTask
    /// Where the task's model goes.
    let directory: String
    private let folder: GlueFolder
    private let config: TrainingConfig
    private let submission: GlueSubmission
    /// What this run does, and what an earlier one with the same settings and data gave.
    private let record: GlueRecord

    /// Reads the task's files and looks for an earlier run.
    ///
    /// - Parameter config: the configuration of all tasks, whose output directory holds a directory for each.
    /// - Throws: `TextError` for a mistake in a file, `ConfigError` for a metric that the task does not have,
    /// `CommandError` when the earlier run had other settings or data.
    init(_ task: GlueTask, config: TrainingConfig) throws {
        self.task = task
        submission = GlueSubmission(config)
        var config = config
        config.task = .glue(task)
        config.output.directory += "/\(task.rawValue)"
        config.output.resume = "latest"
        try config.validate()
        self.config = config
        directory = config.resolve(config.output.directory)
        folder = try GlueFolder(task, in: config.resolve(config.data.glueFolder ?? ""))
        for split in [.train] + task.devSplits + task.testSplits.filter(folder.has) {
            _ = try folder.load(split)
        }
        record = try GlueRecord(config, folder: folder).resuming(in: directory)
    }

    /// What an earlier run gave, if its predictions are in place; `nil` when something is left to do.
    var finished: GlueResult? {
        record.result.flatMap { $0.predictions.allSatisfy(submission.has) ? $0 : nil }
    }

    /// Does what is left: trains, measures the saved model and writes predictions.
    ///
    /// - Parameters:
    ///   - group: the processes that train together; the first one measures and writes while the others wait.
    ///   - announce: called when everything is loaded and training starts.
    /// - Returns: `nil` on the others.
    /// - Throws: the status of a signal, with a checkpoint from which run the same command to continue.
    func complete(
        in group: ProcessGroup?, compiler: Compiler, _ global: GlobalOptions,
        announce: @escaping () -> Void
    ) throws -> GlueResult? {
        let earlier = record.result
        let trained = try earlier ?? train(in: group, compiler: compiler, global, announce: announce)
        let result = group?.isFirst ?? true ? try measured(trained, compiler, isAlone: group == nil) : nil
        try group?.barrier()
        return result
    }

    /// The result with the figures of the saved model, whose predictions are written.
    private func measured(
        _ trained: GlueResult, _ compiler: Compiler, isAlone: Bool
    ) throws -> GlueResult {
        var result = trained
        let pipeline = try EncoderPipeline(
            contentsOf: directory, compiler: compiler,
            options: EncoderPipeline.Options(maxLength: config.data.maxLength))
        result.scores = try task.devSplits.map {
            try score(pipeline, on: $0, of: folder.load($0), isAlone: isAlone)
        }
        result.predictions = []
        for split in task.testSplits where folder.has(split) {
            let file = try folder.load(split)
            if file.dataset.hasLabels {
                result.scores.append(try score(pipeline, on: split, of: file, isAlone: isAlone))
            }
            let name = task.leaderboardName(of: split) + ".tsv"
            try submission.write(file, predictedBy: pipeline, to: name)
            result.predictions.append(name)
        }
        var record = record
        record.result = result
        try record.save(in: directory)
        // The model stays; what it took to make it is three times as large.
        try? FileManager.default.removeItem(atPath: directory + "/checkpoints")
        return result
    }

    private func train(
        in group: ProcessGroup?, compiler: Compiler, _ global: GlobalOptions, announce: @escaping () -> Void
    ) throws -> GlueResult {
        var reporter = TrainingReporter(global.style(of: config))
        defer { reporter.clear() }
        let report = try trainModel(
            config, in: group, compiler: compiler,
            observer: { event in
                if case .started = event {
                    try record.save(in: directory)
                    announce()
                }
                reporter.show(event, notes: global.note)
            },
            shouldStop: { Interrupt.isRequested })
        let isFirst = group?.isFirst ?? true
        if isFirst, !global.quiet { reporter.show(report) }
        guard report.end != .interrupted else {
            if isFirst {
                global.note(
                    "interrupted in \(task.rawValue) after step \(report.steps); run the same command to continue"
                )
            }
            throw ExitStatus.interruption
        }
        return GlueResult(step: report.bestStep ?? report.steps, seconds: report.seconds)
    }

    /// - Parameter isAlone: whether a signal may end the command here, as no other process waits for it.
    private func score(
        _ pipeline: EncoderPipeline, on split: GlueSplit, of file: GlueFile, isAlone: Bool
    ) throws -> GlueScore {
        guard !isAlone || !Interrupt.isRequested else { throw ExitStatus.interruption }
        let name = task.leaderboardName(of: split) + (split.isTest ? " test" : "")
        return GlueScore(name: name, metrics: try pipeline.evaluate(file.dataset))
    }
}
