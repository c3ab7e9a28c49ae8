import ArgumentParser
import Foundation
import GraphCompiler

/// `bertc compile`: what the compiler makes of a model.
struct CompileCommand: ParsableCommand {
    /// What to print instead of graph and statistics.
    enum Emission: String, CaseIterable, ExpressibleByArgument {
        case graph, optimized, kernels, llvm, asm
    }

    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Compiles a model or a graph file; prints the graph and its statistics.",
        discussion: """
            The native code is kept in the cache, so that the first run of the model need not wait for it.
            The output of --emit graph and --emit optimized, and the .ir files of --dump-ir, compile again.

            EXAMPLE:
              bertc compile data/minilm --quiet --batch 8 --length 128
              bertc compile model.json --training --labels 2 --dump-ir stages
              bertc compile data/minilm --emit optimized > minilm.ir
              bertc compile minilm.ir
            """)

    @OptionGroup var input: CompileInput

    @Option(name: .customLong("dump-ir"), help: "Write every stage into numbered files of this directory.")
    var dumpDirectory: String?

    @Option(help: "Print one form of the program and nothing else.")
    var emit: Emission?

    @Option(help: "Sequences in the batch that FLOPs and memory are counted for.")
    var batch = 8

    @Option(help: "Tokens of each of its sequences.")
    var length = 128

    @Option(help: "The value of another symbol of a graph file, as name=value; may be given several times.")
    var symbol: [String] = []

    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        for (name, value) in [("--batch", batch), ("--length", length)] where !(1...1_000_000).contains(value)
        {
            throw ValidationError("\(name) is \(value); expected 1 to 1000000")
        }
        guard batch * length <= Int(Int32.max) else {
            throw ValidationError(
                "--batch times --length is \(batch * length); expected at most \(Int32.max)")
        }
        _ = try givenSymbols()
    }

    func run() throws {
        let dump = try dumpDirectory.map { try StageDump($0) }
        let graph = try input.graph { try dump?.write("forward", $0.description) }
        var options = global.compilerOptions
        if let dump { options.dump = { try dump.write($0, $1) } }
        let compiler = try global.makeCompiler(options)
        let symbols = try symbols(of: graph)
        try checkSizes(of: graph, symbols)
        if let emit { return try print(emit, of: graph, compiler) }

        try requireValues(symbols, of: graph)
        let start = ContinuousClock.now
        let program = try compiler.compile(graph, parameters: ParameterStore()).program
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        if let warning = compiler.cacheWarning { global.note(warning) }
        let statistics = CompilationStatistics(
            graph: graph, program: program, symbols: symbols, instructionSet: compiler.instructionSet,
            seconds: seconds)
        if global.json { return Console.print("\(statistics.json)") }
        if !global.quiet { Console.print(program.graph.description) }
        Console.print(statistics.description)
    }

    private func print(_ emission: Emission, of graph: Graph, _ compiler: Compiler) throws {
        if emission == .graph { return Console.write(graph.description) }
        let optimized = try compiler.optimize(graph)
        if emission == .optimized { return Console.write(optimized.description) }
        let program = try compiler.lower(optimized)
        switch emission {
        case .graph, .optimized, .kernels: Console.write(program.description)
        case .llvm: Console.write(compiler.llvm(program))
        case .asm: Console.write(try compiler.assembly(program))
        }
    }

    /// Refuses tensors that no machine holds, whose sizes would not fit into integers either.
    private func checkSizes(of graph: Graph, _ symbols: [String: Int]) throws {
        let limit = 1 << 36
        for id in graph.nodeIDs {
            for type in graph[id].types {
                let isTooLarge = (type.extents(symbols) ?? []).reduce((1, false)) { product, extent in
                    let (next, overflow) = product.0.multipliedReportingOverflow(by: extent)
                    return (next, product.1 || overflow || next > limit)
                }.1
                guard isTooLarge else { continue }
                throw CommandError(
                    .badData,
                    "\(input.model): \(graph.place(id)): \(type) has more than \(limit) elements; "
                        + "choose smaller sizes, --batch or --length")
            }
        }
    }

    private func givenSymbols() throws -> [String: Int] {
        var values: [String: Int] = [:]
        for item in symbol {
            let parts = item.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let value = Int(parts[1]),
                (0...Int(Int32.max)).contains(value)
            else { throw ValidationError("--symbol is '\(item)'; expected name=value such as tokens=1024") }
            values[String(parts[0])] = value
        }
        return values
    }

    /// Values for the graph's symbols: those of a BERT follow from batch and length, with 15 % of the tokens
    /// masked.
    private func symbols(of graph: Graph) throws -> [String: Int] {
        let tokens = batch * length
        var values = [
            "sequences": batch, "tokens": tokens, "length": length, "masked": max(1, tokens * 15 / 100),
        ]
        values.merge(try givenSymbols()) { $1 }
        return values.filter { graph.symbols.contains($0.key) }
    }

    private func requireValues(_ symbols: [String: Int], of graph: Graph) throws {
        if let missing = graph.symbols.first(where: { symbols[$0] == nil }) {
            throw CommandError(
                .usage,
                "\(input.model): the graph has a symbol '\(missing)'; "
                    + "give its value with --symbol \(missing)=1"
            )
        }
    }
}
