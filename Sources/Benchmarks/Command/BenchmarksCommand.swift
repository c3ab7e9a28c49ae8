import ArgumentParser
import Encoders
import Foundation
import GraphCompiler

/// `bertc-benchmarks`: measures all rows, or those asked for, and prints the table.
public struct BenchmarksCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "bertc-benchmarks", abstract: "Measures bertc, beside PyTorch where a Python has it.",
        discussion: """
            docs/performance.md says what is measured and how.

            EXAMPLE:
              bertc-benchmarks --python venv/bin/python --output table.md
              bertc-benchmarks --only train-bf16 --only infer --rounds 9 --mode both
            """,
        subcommands: [PeakMemoryCommand.self])

    public init() {}

    /// Which modes of PyTorch run; the table has the better one.
    enum Modes: String, CaseIterable, ExpressibleByArgument {
        case eager, compile, both

        var modes: [PeerMode] { PeerMode(rawValue: rawValue).map { [$0] } ?? PeerMode.allCases }
    }

    @Option(help: "A row by name, or rows by the beginning of their names; may be given several times.")
    var only: [String] = []

    @Option(help: "How often each side runs; 5 by default, 2 with --quick.")
    var rounds: Int?

    @Option(help: "A Python with torch and transformers; without them only bertc is measured.")
    var python = "python3"

    @Option(help: "How PyTorch runs: eager, compile, or both and the better one counts.")
    var mode = Modes.eager

    @Option(help: "Threads of both sides; one per usable core by default.")
    var threads: Int?

    @Option(help: "A config.json of another model than BERT-base.")
    var model: String?

    @Flag(help: "Fewer rounds, and the small rows unless --only says which.")
    var quick = false

    @Flag(help: "Measure fine-tuning MiniLM, too; it needs what `make fetch` brings.")
    var finetune = false

    @Option(help: "Epochs of --finetune.")
    var epochs = 1

    @Flag(help: "Print one JSON object in place of the table.")
    var json = false

    @Option(help: "A file for the table, written again after each row.")
    var output: String?

    public func validate() throws {
        if let rounds, rounds < 1 { throw ValidationError("--rounds is \(rounds); expected at least 1") }
        if epochs < 1 { throw ValidationError("--epochs is \(epochs); expected at least 1") }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); expected 1 to 1024")
        }
        for pattern in only where !known.contains(where: { $0.matches(pattern) }) {
            let kinds = Set(known.map { $0.name.prefix { $0 != "-" } }).sorted().joined(separator: ", ")
            throw ValidationError(
                "--only is '\(pattern)'; expected a row of docs/performance.md, or one of \(kinds)")
        }
    }

    private var known: [Workload] { Workload.all + [.finetuning(epochs: epochs)] }

    private var workloads: [Workload] {
        known.filter { workload in
            if case .finetuning = workload.kind, finetune { return true }
            if !only.isEmpty { return only.contains(where: workload.matches) }
            if case .finetuning = workload.kind { return false }
            return workload.isQuick || !quick
        }
    }

    public func run() throws {
        let run = try makeRun()
        var report = BenchmarkReport(machine: run.machine)
        for workload in workloads {
            do {
                let result = try run.measure(workload)
                run.note("\(workload.name): " + result.cells.dropFirst().joined(separator: " | "))
                report.results.append(result)
            } catch let error as BenchmarkError {
                run.note("\(workload.name): \(error)")
                report.omit(workload, because: error.description)
            }
            if let output { try report.markdown.write(toFile: output, atomically: true, encoding: .utf8) }
        }
        print(json ? try report.json() : report.markdown, terminator: json ? "\n" : "")
    }

    private func makeRun() throws -> BenchmarkRun {
        let note: @Sendable (String) -> Void = {
            FileHandle.standardError.write(Data("bertc-benchmarks: \($0)\n".utf8))
        }
        // Without a cache, so that what a busy machine reached is not kept for others.
        let compiler = try Compiler(CompilerOptions(threads: threads, cache: .off))
        let ceilings = try compiler.ceilings(again: true)
        if let line = compiler.threadsNote { note(line) }
        let peer = PeerPython(python)
        if peer == nil { note("\(python) has no torch and transformers: only bertc is measured") }
        return BenchmarkRun(
            config: try config(),
            machine: MachineDescription(
                name: ceilings.machine, cores: ProcessInfo.processInfo.activeProcessorCount,
                flopsPerSecond: ceilings.flopsPerSecond, bf16FlopsPerSecond: ceilings.bf16FlopsPerSecond,
                versions: peer?.versions),
            instructionSet: compiler.instructionSet, threads: compiler.threads,
            rounds: rounds ?? (quick ? 2 : 5),
            python: peer, modes: mode.modes,
            executable: URL(
                fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")),
            note: note)
    }

    /// BERT-base as the peer has it, LayerNorms behind the sums, unless `--model` says otherwise.
    private func config() throws -> EncoderConfig {
        if let model { return try EncoderConfig(contentsOf: URL(fileURLWithPath: model)) }
        var config = EncoderConfig()
        config.normPosition = .post
        return config
    }
}
