import ArgumentParser
import Foundation

/// The `bertc` tool: parses the command line, runs the command and turns what it throws into one line on
/// standard error and an exit status.
public enum BertcTool {
    /// Runs a command line without the program's name.
    ///
    /// - Returns: an `ExitStatus` as the system wants it.
    public static func run(_ arguments: [String]) -> Int32 {
        Console.start()
        SystemLimits.prepare()
        Interrupt.install()
        let status = perform(arguments)
        do {
            try Console.finish()
            return status
        } catch {
            // A command that failed says so itself, and lost results are no news then.
            guard status == ExitStatus.success.rawValue else { return status }
            Console.error("\(error)")
            return error.status.rawValue
        }
    }

    private static func perform(_ arguments: [String]) -> Int32 {
        do {
            var command = try BertcCommand.parseAsRoot(TextInput.completed(ExplainForm.completed(arguments)))
            try ProcessSession.check(command)
            try command.run()
            ProcessSession.end(status: 0, failed: false)
            return ExitStatus.success.rawValue
        } catch let status as ExitStatus {
            ProcessSession.end(status: status.rawValue, failed: false)
            return status.rawValue
        } catch {
            let status = report(error, arguments)
            ProcessSession.end(status: status, failed: true)
            return status
        }
    }

    private static func report(_ error: any Error, _ arguments: [String]) -> Int32 {
        guard BertcCommand.exitCode(for: error) != .success else {
            // Help that was asked for.
            Console.print(BertcCommand.fullMessage(for: error))
            return ExitStatus.success.rawValue
        }
        if let status = ExitStatus(of: error) {
            if let prefix = ProcessSession.errorPrefix() { Console.error("\(prefix)\(error)") }
            return status.rawValue
        }
        if BertcCommand.exitCode(for: error) == .validationFailure {
            let names = BertcCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
            let command = arguments.first.flatMap { names.contains($0) ? " \($0)" : nil } ?? ""
            Console.error("\(BertcCommand.message(for: error)); see 'bertc\(command) --help'")
            return ExitStatus.usage.rawValue
        }
        Console.error("\(error)")
        return ExitStatus.failure.rawValue
    }
}

/// The root command: only its subcommands do something.
struct BertcCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bertc",
        abstract: "Compiles, trains and runs BERT-family encoders on CPUs.",
        discussion: """
            EXAMPLE:
              bertc train train.json
              bertc evaluate runs/reviews data/test.tsv
              bertc predict runs/reviews --text "A fine film."

            EXIT STATUS:
              0 done, 1 a check of the command line failed, 64 wrong usage, 65 bad input data, 66 missing input file, 70 failure,
              73 output cannot be created, 129, 130 and 143 ended by SIGHUP, Ctrl-C and SIGTERM
            """,
        version: "0.1.0",
        subcommands: [
            CompileCommand.self, RunCommand.self, VocabularyCommand.self, TrainCommand.self, GlueCommand.self,
            EvaluateCommand.self, PredictCommand.self, EmbedCommand.self, ServeCommand.self,
            MergeCommand.self, QuantizeCommand.self, MaskCommand.self,
            PlotCommand.self,
            RooflineCommand.self, BenchCommand.self, CacheCommand.self,
        ])
}
