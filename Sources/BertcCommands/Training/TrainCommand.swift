import ArgumentParser
import BERT
import Foundation
import GraphCompiler
import Training

/// `bertc train`: trains a model as `train.json` says.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a model as a train.json says, and saves it.",
        discussion: """
            The fields of train.json are in docs/training.md. Ctrl-C finishes the step and writes a
            checkpoint, from which --set resume=latest goes on.

            EXAMPLE:
              bertc train Examples/rt/train.json
              bertc train train.json --set epochs=1 --set learningRate=3e-5
              bertc train train.json --set resume=latest --json > events.jsonl
            """)

    @Argument(
        help: "The configuration; train.json of the working directory if there is one, else the defaults.")
    var config: String?

    @Option(help: "Set a field: field=value, the value as in the file; may be given several times.")
    var set: [String] = []

    @Flag(help: "Print where the time went, by kernel, and how near kernels came to the machine's ceilings.")
    var profile = false

    @Option(help: "Write when each worker ran which kernel into this file, for ui.perfetto.dev.")
    var trace: String?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws { _ = try ConfigOverrides(set) }

    func run() throws {
        let overrides = try ConfigOverrides(set)
        var config = try readConfig()
        try overrides.apply(to: &config)
        config.precision = global.precision ?? config.precision
        try config.validate()
        let compiler = try makeCompiler(config)
        let traceFile = try trace.map { try AtomicFile(replacing: URL(fileURLWithPath: $0)) }
        let runs = traceFile.map { _ in RunTrace(workers: compiler.threads) }
        Interrupt.install()
        var reporter = TrainingReporter(style(config))
        defer { reporter.clear() }
        let report = try trainModel(
            config, compiler: compiler, profiles: profile, trace: runs,
            observer: { event in
                if case .started(let summary) = event { summary.notes.forEach(global.note) }
                reporter.show(event)
            },
            shouldStop: { Interrupt.isRequested })
        reporter.show(report)
        if let profile = report.profile, !global.json {
            Console.print("\n\(KernelProfile(profile: profile).text)")
        }
        if let traceFile, let runs {
            try ChromeTrace(trace: runs).write(to: traceFile)
            try traceFile.commit()
            global.note("\(traceFile.path): written; open it with ui.perfetto.dev")
        }
        guard report.end == .interrupted else { return }
        let next = config.saveEvery == 0 ? "no checkpoint was written" : "go on with --set resume=latest"
        global.note("interrupted after step \(report.steps); \(next)")
        throw ExitStatus.interrupted
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

    /// The command line has the last word on what runs where.
    private func makeCompiler(_ config: TrainingConfig) throws -> Compiler {
        var options = global.compilerOptions
        options.threads = global.threads ?? config.threads
        options.instructionSet = global.cpu?.rawValue ?? config.cpu
        options.matmul = global.matmul ?? config.matmul
        options.precision = config.precision
        try passes.apply(to: &options)
        return try global.makeCompiler(options)
    }

    private func style(_ config: TrainingConfig) -> TrainingReporter.Style {
        if global.json { return .json }
        if global.quiet { return .results }
        return Console.outputIsTerminal ? .terminal : .lines(every: config.logEvery)
    }
}
