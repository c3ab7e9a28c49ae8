import ArgumentParser
import Encoders
import Foundation
import GraphCompiler
import Support
import Training

/// `bertc train`: trains a model as `train.json` says.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a model as a train.json says, and saves it.",
        discussion: """
            The fields of train.json are in docs/training.md. Ctrl-C, SIGTERM and SIGHUP let the step
            finish and write a checkpoint, from which --set resume=latest goes on.

            EXAMPLE:
              bertc train Examples/rt/train.json
              bertc train train.json --set epochs=1 --set learningRate=3e-5
              bertc train --task glue/mrpc --data glue_data --set model=data/minilm
              bertc train train.json --set resume=latest --json > events.jsonl
            """)

    @Argument(
        help: "The configuration; train.json of the working directory if there is one, else the defaults.")
    var config: String?

    @Option(parsing: .unconditional, help: "Set the field task, such as glue/mrpc.")
    var task: String?

    @Option(parsing: .unconditional, help: "Set the field data: GLUE's folder, or that of the task in it.")
    var data: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: "Set a field: field=value, the value as in the file; may be given several times.")
    var set: [String] = []

    @Flag(help: "Print where the time went, by kernel, and how near kernels came to the machine's ceilings.")
    var profile = false

    @Option(
        parsing: .unconditional,
        help: "Write when each worker ran which kernel into this file, for ui.perfetto.dev.")
    var trace: String?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws { _ = try overrides }

    func run() throws {
        var config = try readConfig()
        try overrides.apply(to: &config)
        config.machine.precision = try global.trainingPrecision() ?? config.machine.precision
        try config.validate()
        let group = try ProcessSession.join()
        let compiler = try global.makeCompiler(for: config, passes)
        let isFirst = ProcessSession.isFirst
        let traceFile = isFirst ? try trace.map { try AtomicFile(replacing: URL(file: $0)) } : nil
        let runs = traceFile.map { _ in RunTrace(workers: compiler.threads) }
        Interrupt.letStepsFinish()
        var reporter = TrainingReporter(global.style(of: config))
        defer { reporter.clear() }
        let report = try trainModel(
            config, in: group, compiler: compiler, profiles: profile, trace: runs,
            observer: { event in
                reporter.show(event, notes: global.note)
            },
            shouldStop: { Interrupt.isRequested })
        if isFirst { show(report, &reporter) }
        if let traceFile, let runs {
            try ChromeTrace(trace: runs).write(to: traceFile)
            try traceFile.commit()
            global.note("\(traceFile.path): written; open it with ui.perfetto.dev")
        }
        guard report.end == .interrupted else { return }
        let next =
            config.output.saveEvery == 0 ? "no checkpoint was written" : "continue with --set resume=latest"
        if isFirst { global.note("interrupted after step \(report.steps); \(next)") }
        throw ExitStatus.interruption
    }

    private func show(_ report: TrainingReport, _ reporter: inout TrainingReporter) {
        reporter.show(report)
        if let profile = report.profile, !global.json {
            Console.print("\n\(KernelProfile(profile: profile).text)")
        }
    }

    private var overrides: ConfigOverrides {
        get throws { try ConfigOverrides([("--task", "task", task), ("--data", "data", data)], set) }
    }

    private func readConfig() throws -> TrainingConfig {
        let standard = "train.json"
        let exists = FileManager.default.fileExists(atPath: config ?? standard)
        if config == nil, !exists { return TrainingConfig() }
        let path = config ?? standard
        guard exists else {
            throw CommandError(.missingInput, "\(path): no such file; expected a training configuration")
        }
        return try TrainingConfig(contentsOf: path)
    }
}

extension GlobalOptions {
    /// A compiler for a run. The command line has the last word on what runs where.
    func makeCompiler(for config: TrainingConfig, _ passes: PassOptions) throws -> Compiler {
        var options = compilerOptions
        options.threads = threads ?? config.machine.threads
        options.instructionSet = cpu?.name ?? config.machine.cpu
        options.matmul = matmul ?? config.machine.matmul
        options.precision = config.machine.precision
        try passes.apply(to: &options)
        return try makeCompiler(options)
    }

    /// How a run is shown.
    func style(of config: TrainingConfig) -> TrainingReporter.Style {
        if json { return .json }
        if quiet { return .results }
        return Console.outputIsTerminal ? .terminal : .lines(every: config.output.logEvery)
    }
}
