import ArgumentParser
import Foundation
import GraphCompiler
import Support
import Text
import Training

extension GlueCommand {
    func run() throws {
        let config = try readConfig()
        let group = try ProcessSession.join()
        let lock = try OutputLock.ofFirst(of: group, config.resolve(config.output.directory))
        defer { withExtendedLifetime(lock) {} }
        if lock != nil { Leftovers.remove(in: GlueSubmission(config).directory) { $0.hasSuffix(".tsv") } }
        // All files are read before the first task starts: a mistake in the last one costs no night.
        let runs = try tasks(in: config).map { try GlueTaskRun($0, config: config) }
        // All processes see what is finished before the first one goes on.
        try group?.barrier()
        let compiler = try global.makeCompiler(for: config, passes)
        Interrupt.letStepsFinish()
        var results: [GlueTask: GlueResult] = [:]
        for (index, run) in runs.enumerated() {
            if let result = run.finished {
                guard ProcessSession.isFirst else { continue }
                global.note("\(run.task.rawValue) is already finished, in \(run.directory)")
                results[run.task] = result
            } else {
                results[run.task] = try run.complete(in: group, compiler: compiler, global) {
                    announce(run.task, number: index + 1, of: runs.count)
                }
            }
        }
        guard ProcessSession.isFirst else { return }
        let table = GlueTable(model: config.model.path, results: results)
        if global.json { return Console.print("\(table.json)") }
        if !global.quiet { Console.print("") }
        Console.print("\(table)")
        let files = results.values.flatMap(\.predictions).sorted()
        guard !files.isEmpty else { return }
        global.note(
            "predictions are in \(GlueSubmission(config).directory): \(files.joined(separator: ", "))")
    }

    /// The configuration for all tasks; its own task stands for any.
    private func readConfig() throws -> TrainingConfig {
        var config = try config.map { try TrainingConfig(contentsOf: $0) } ?? .glueRecipe
        config.task = .glue(.mrpc)
        try overrides.apply(to: &config)
        config.machine.precision = try global.trainingPrecision() ?? config.machine.precision
        for (value, option) in [(config.data.glueFolder ?? "", "--data"), (config.model.path, "--model")]
        where value.isEmpty {
            throw CommandError(.usage, "\(option) is missing; see 'bertc glue --help'")
        }
        try config.validate()
        return config
    }

    /// The tasks to run, in the order of the command line or of the benchmark.
    private func tasks(in config: TrainingConfig) throws -> [GlueTask] {
        let data = config.resolve(config.data.glueFolder ?? "")
        let present = GlueFolder.tasks(in: data)
        guard !present.isEmpty else {
            let names = GlueTask.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandError(
                .missingInput, "\(data): holds no task's folder; expected GLUE's folder with some of \(names)"
            )
        }
        let chosen = try chosenTasks ?? present
        if let missing = chosen.first(where: { !present.contains($0) }) {
            throw CommandError(
                .missingInput,
                "\(data): has no folder \(missing.rawValue); there are "
                    + present.map(\.rawValue).joined(separator: ", "))
        }
        return chosen
    }

    private func announce(_ task: GlueTask, number: Int, of count: Int) {
        if global.json {
            Console.print(
                "\(JSONValue.object([("event", .string("task")), ("task", .string(task.rawValue))]))")
        } else if !global.quiet {
            Console.print("\(number > 1 ? "\n" : "")\(task.rawValue), task \(number) of \(count)")
        }
    }
}

extension TrainingConfig {
    /// BERT's recipe for GLUE (arXiv:1810.04805): 3 epochs in batches of 32, of its four learning rates the greatest,
    /// sequences of 128 tokens, a warm-up over a tenth of the steps.
    static var glueRecipe: TrainingConfig {
        var config = TrainingConfig()
        config.file = "the standard recipe"
        config.output.directory = "runs/glue"
        config.data.maxLength = 128
        config.optimizer.warmupRatio = 0.1
        return config
    }
}
