import ArgumentParser
import GraphCompiler

/// `bertc compile`: what the compiler makes of a model.
struct CompileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Compiles a model or a graph file; shows passes, kernels, costs and memory.",
        discussion: """
            The native code is kept in the cache, so that the first run of the model need not wait for it.
            What --emit prints of graphs, and the .ir files of --dump-ir, compile again.

            EXAMPLE:
              bertc compile data/minilm --batch 8 --length 128
              bertc compile model.json --training --labels 2 --dump-ir stages
              bertc compile data/minilm --emit kernels --layer 0
              bertc compile data/minilm --emit fused > minilm.ir
              bertc compile minilm.ir --print-after simplify --node matmul
            """)

    @OptionGroup var input: CompileInput

    @Option(help: "Print one stage instead of the page.")
    var emit: Emission?

    @OptionGroup var selection: NodeSelection

    @Option(
        name: .customLong("print-after"),
        help: "Print the graph after each run of this pass instead of the page; may be given several times.")
    var printAfter: [String] = []

    @Option(name: .customLong("stop-after"), help: "Run no pass after the first run of this one.")
    var stopAfter: String?

    @Flag(name: .customLong("time-passes"), help: "Print what each stage took instead of the page.")
    var timePasses = false

    @OptionGroup var symbols: SymbolOptions
    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        for name in printAfter { try PassOptions.check(name, "--print-after") }
        if let stopAfter { try PassOptions.check(stopAfter, "--stop-after") }
        let forms = [
            emit.map { _ in "--emit" }, printAfter.isEmpty ? nil : "--print-after",
            timePasses ? "--time-passes" : nil, global.json && !timePasses ? "--json" : nil,
        ].compactMap { $0 }
        guard forms.count <= 1 else {
            throw ValidationError("\(forms[0]) and \(forms[1]) print different things; give one of them")
        }
        guard selection.isEmpty || emit != nil || !printAfter.isEmpty else {
            throw ValidationError(
                "--layer and --node narrow what --emit or --print-after print; give one of them")
        }
        if emit == .training, !input.training {
            throw ValidationError("--emit training needs a model and --training")
        }
    }

    func run() throws {
        var options = global.compilerOptions
        try passes.apply(to: &options)
        options.passes.stopAfter = stopAfter
        var times = CompilationTimes()
        let source = try timed(&times.graph) { try input.source() }
        let compiler = try global.makeCompiler(options)
        let values = try symbols.values(for: source.graph, of: input.model)
        if let forward = source.forward { try options.dump?(CompilationStage(forward)) }
        let writer = StageWriter(source: source, compiler: compiler, selection: selection)
        if let emit {
            if emit == .plan { try symbols.requireAll(values, for: source.graph, of: input.model) }
            return Console.write(try writer.text(emit, values))
        }
        if !printAfter.isEmpty { return try printGraphs(writer) }
        try symbols.requireAll(values, for: source.graph, of: input.model)
        try printPage(source.graph, compiler, values, &times)
    }

    private func printGraphs(_ writer: StageWriter) throws {
        let passes = try writer.compiler.runPasses(writer.source.graph)
        if let name = printAfter.first(where: { name in !passes.contains { $0.name == name } }) {
            throw CommandError(
                .usage, "--print-after \(name): the pass did not run; another option leaves it out")
        }
        for pass in passes where printAfter.contains(pass.name) {
            let text = try writer.text(pass.graph)
            Console.write("// after \(pass.name): \(pass.graph.nodes.count) nodes\n\(text)")
        }
    }

    private func printPage(
        _ graph: Graph, _ compiler: Compiler, _ values: [String: Int], _ times: inout CompilationTimes
    ) throws {
        times.passes = try timed(&times.allPasses) { try compiler.runPasses(graph) }
        let program = try timed(&times.lowering) { try compiler.lower(times.passes.last?.graph ?? graph) }
        _ = try timed(&times.code) { try compiler.executor(program, parameters: ParameterStore()) }
        if let warning = compiler.cacheWarning { global.note(warning) }
        if timePasses { return Console.print(global.json ? "\(times.json)" : times.text) }
        let report = compiler.report(graph, passes: times.passes, program: program, symbols: values)
        let page = CompilationPage(report: report, times: times)
        Console.print(global.json ? "\(page.json)" : page.description)
    }
}
