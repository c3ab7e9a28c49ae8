import ArgumentParser
import GraphCompiler
import Training

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
              bertc compile data/minilm --explain --layer 0
              bertc compile data/minilm --quiet --require-fusion matmul+bias+gelu=6
              bertc compile data/minilm --training --labels 2 --html minilm.html
              bertc compile data/minilm --training --labels 2 --recompute layer --length 512
            """)

    @OptionGroup var input: CompileInput

    @Option(help: "Print one stage instead of the page.")
    var emit: Emission?

    @OptionGroup var selection: NodeSelection

    @Option(
        name: .customLong("print-after"), parsing: .unconditionalSingleValue,
        help: "Print the graph after each run of this pass instead of the page; may be given several times.")
    var printAfter: [String] = []

    @Option(
        name: .customLong("stop-after"), parsing: .unconditional,
        help: "Run no pass after the first run of this one.")
    var stopAfter: String?

    @Flag(name: .customLong("time-passes"), help: "Print what each stage took instead of the page.")
    var timePasses = false

    @Option(
        help: ArgumentHelp(
            "Print each candidate for fusion instead of the page: fused or rejected, why, and bytes saved.",
            discussion: "--explain=json prints all of them for machines.", valueName: "form"))
    var explain: ExplainForm?

    @Option(
        name: .customLong("require-fusion"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Fail with status 1 and the reasons when fewer kernels than this have the pattern in their name.",
            discussion: "May be given several times.", valueName: "pattern=count"))
    var requiredFusions: [String] = []

    @Option(
        parsing: .unconditional,
        help: "Write a page for a browser instead: graphs before and after, kernels, memory, candidates.")
    var html: String?

    @Flag(help: "Compare each pass, and the compiled kernels, with the interpreter on random input instead.")
    var bisect = false

    @Flag(
        help: ArgumentHelp(
            "Run each kind of fused kernel, and the whole graph, against the same ops one by one instead.",
            discussion: "Both sides run in turn; choose the shapes with --batch and --length."))
    var measure = false

    @Option(
        help: ArgumentHelp(
            "What a training step computes again for its backward pass: none, layer, every(k) or auto.",
            discussion: "auto is the least that fits into --max-memory."))
    var recompute: Recompute = .none

    @Option(
        name: .customLong("max-memory"),
        help:
            "What the model may hold with --recompute auto, e.g. 4GB or 512MiB; the process itself is not counted."
    )
    var maxMemory: MemorySize?

    @Option(
        help: ArgumentHelp(
            "Print how so many processes exchange the gradients of a training step instead.",
            discussion: "The kernels' times are predicted, for one micro-batch a process."))
    var processes: Int?

    @Option(help: "With --processes: a network's rate and latency, such as 25Gb/s,5us.")
    var network: NetworkOption?

    @OptionGroup var symbols: SymbolOptions
    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        for name in printAfter { try PassOptions.check(name, "--print-after") }
        if let stopAfter { try PassOptions.check(stopAfter, "--stop-after") }
        let forms = [
            emit.map { _ in "--emit" }, printAfter.isEmpty ? nil : "--print-after",
            timePasses ? "--time-passes" : nil, explain.map { _ in "--explain" },
            html.map { _ in "--html" }, bisect ? "--bisect" : nil, measure ? "--measure" : nil,
            processes.map { _ in "--processes" },
            global.json && !timePasses && !measure && processes == nil ? "--json" : nil,
        ].compactMap { $0 }
        guard forms.count <= 1 else {
            throw ValidationError("\(forms[0]) and \(forms[1]) print different things; give one of them")
        }
        guard selection.isEmpty || emit != nil || !printAfter.isEmpty || explain != nil else {
            throw ValidationError(
                "--layer and --node narrow what --emit, --print-after or --explain print; give one of them")
        }
        guard
            try requiredFusions.map(RequiredFusion.init).isEmpty
                || emit == nil && printAfter.isEmpty && !bisect && !measure
        else {
            throw ValidationError("--require-fusion does not go with \(forms[0])")
        }
        if recompute != .none, !input.training, !input.isGraph {
            throw ValidationError("--recompute needs a training step; add --training")
        }
        guard (recompute == .auto) == (maxMemory != nil) else {
            throw ValidationError("--recompute auto and --max-memory go together; give both or neither")
        }
        if let processes, !(1...4096).contains(processes) {
            throw ValidationError("--processes is \(processes); expected 1 to 4096")
        }
        if processes != nil, !input.training {
            throw ValidationError("--processes needs a model and --training")
        }
        if network != nil, processes == nil { throw ValidationError("--network needs --processes") }
        if emit == .training, !input.training {
            throw ValidationError("--emit training needs a model and --training")
        }
    }
}

extension MemorySize: ExpressibleByArgument {
    public init?(argument: String) { self.init(text: argument) }
}
