import ArgumentParser
import Encoders
import Foundation
import GraphCompiler
import Support

/// `bertc bench`: what each technique is worth on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures what each technique saves: time and memory with it off and on.",
        discussion: """
            Trains the same model on the same examples with one technique off and on, in turn, each side in a process
            of its own, and prints the table: time of a turn (median, least and most), speed-up, memory as planned
            and as measured, and the difference of the loss. docs/performance.md says what is compared. Let nothing
            else run meanwhile.

            EXAMPLE:
              bertc bench
              bertc bench --model data/minilm --data data/rt.train.tsv --markdown
              bertc bench --only fusion --only precision --json
            """,
        subcommands: [BenchSideCommand.self])

    /// Below these a figure says little.
    static let leastRepeats = 5

    @Option(
        parsing: .unconditional,
        help: "A model directory or a model.json; a fresh model of MiniLM's size by default.")
    var model: String?

    @Option(
        parsing: .unconditional,
        help:
            "A data set with labels; data/rt.train.tsv if there is one, else data/small/train.txt, by default."
    )
    var data: String?

    @Option(help: "Tokens of a sequence where attention is what counts.")
    var seq = 512

    @Option(
        help:
            "Sequences in a batch; of those longer than \(Technique.paddedLength) tokens fewer, with as many tokens."
    )
    var batch = 32

    @Option(help: "Texts that a turn over sentences of mixed length trains.")
    var examples = 512

    @Option(help: "Timed turns of each side, at least \(BenchCommand.leastRepeats).")
    var repeats = BenchCommand.leastRepeats

    @Option(
        parsing: .unconditionalSingleValue,
        help: "A row of the table by its name, such as fusion; may be given several times.")
    var only: [String] = []

    @Flag(help: "Print the table for a page.")
    var markdown = false

    @OptionGroup(title: "Common options") var global: GlobalOptions

    /// What mixed precision is measured in.
    private var precision: Precision { global.precision ?? .bf16 }

    private var techniques: [Technique] { Technique.all(precision: precision, length: seq) }

    func validate() throws {
        if repeats < Self.leastRepeats {
            throw ValidationError("--repeats is \(repeats); expected at least \(Self.leastRepeats)")
        }
        for (option, value, least) in [("--seq", seq, 3), ("--batch", batch, 1), ("--examples", examples, 1)]
        where value < least {
            throw ValidationError("\(option) is \(value); expected at least \(least)")
        }
        if !Precision.forTraining.contains(precision) {
            throw ValidationError(
                "--precision is \(precision.rawValue), which is for inference; the techniques are measured in training"
            )
        }
        if precision == .fp32 {
            throw ValidationError(
                "--precision is fp32, which mixed precision is compared with; expected another")
        }
        if markdown, global.json { throw ValidationError("--markdown and --json exclude each other") }
        let names = techniques.map(\.name)
        for name in only where !names.contains(name) {
            throw ValidationError(
                "--only is '\(name)'\(suggestion(for: name, in: names)); the rows are \(names.joined(separator: ", "))"
            )
        }
    }

    func run() throws {
        Interrupt.install()
        let files = try BenchFiles(model: model, data: try dataPath(), sentences: examples)
        guard seq <= files.config.positionCount else {
            throw CommandError(
                .usage,
                "--seq is \(seq), but the model has \(files.config.positionCount) positions; lower it or choose another model"
            )
        }
        let plan = BenchPlan(
            files: files, batch: batch, repeats: repeats, threads: global.threads, cpu: global.cpu?.name,
            matmul: global.matmul ?? .generated, usesCache: !global.noCache)
        var table = BenchTable(machine: try machine(), model: files.title, data: try dataPath())
        if global.json { try show(table.json) }
        // Also what was measured before a row that fails.
        defer {
            if !global.json, !table.rows.isEmpty { Console.print(markdown ? table.markdown : table.text) }
        }
        for technique in techniques where only.isEmpty || only.contains(technique.name) {
            let row = try BenchRow(technique, plan)
            table.rows.append(row)
            if global.json {
                try show(row.json)
            } else {
                global.note("\(technique.name): \(Formatted.number(row.speedUp, digits: 2)) times as fast")
            }
        }
    }

    /// An object as soon as it is known.
    private func show(_ object: JSONValue) throws {
        Console.print("\(object)")
        try Console.finish()
    }

    private func dataPath() throws -> String {
        if let data { return data }
        let usual = ["data/rt.train.tsv", "data/small/train.txt"]
        guard let path = usual.first(where: FileManager.default.fileExists(atPath:)) else {
            throw CommandError(
                .missingInput,
                "there is no \(usual.joined(separator: " and no ")); name a data set with --data")
        }
        return path
    }

    /// Also finds out whether the machine has what was asked for.
    private func machine() throws -> String {
        var options = global.compilerOptions
        options.precision = precision
        let compiler = try global.makeCompiler(options)
        if let line = compiler.threadsNote { global.note(line) }
        return compiler.machineName
    }
}
