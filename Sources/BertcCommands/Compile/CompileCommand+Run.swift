import Encoders
import Foundation
import GraphCompiler
import Support

extension CompileCommand {
    func run() throws {
        var options = global.compilerOptions
        try passes.apply(to: &options)
        options.passes.stopAfter = stopAfter
        let log = DecisionLog()
        options.passes.context.explain = log.add
        options.passes.context.explainRecompute = log.add
        var times = CompilationTimes()
        let source = try timed(&times.graph) { try input.source() }
        let values = try symbols.values(for: source.graph, of: input.model, isSmall: bisect)
        options.recompute = try chosenRecompute(source.graph, values, options)
        let compiler = try global.makeCompiler(options)
        if let forward = source.forward { try options.dump?(CompilationStage(forward)) }
        let writer = StageWriter(source: source, compiler: compiler, selection: selection)
        if let emit {
            if emit == .plan { try symbols.requireAll(values, for: source.graph, of: input.model) }
            return Console.write(try writer.text(emit, values))
        }
        if !printAfter.isEmpty { return try printGraphs(writer) }
        if explain == nil { try symbols.requireAll(values, for: source.graph, of: input.model) }
        if bisect { return try printBisection(compiler, source.graph, values) }
        if measure {
            let table = MeasurementTable(
                measurement: try compiler.measureFusion(source.graph, symbols: values), symbols: values)
            return Console.print(global.json ? "\(table.json)" : "\(table)")
        }

        if let processes, let forward = source.forward {
            return try printExchange(compiler, forward, source.optimizer, values, processes)
        }
        times.passes = try timed(&times.allPasses) { try compiler.runPasses(source.graph) }
        let last = times.passes.last?.graph ?? source.graph
        let program = try timed(&times.lowering) { try compiler.lower(last) }
        if let explain {
            try printExplanation(explain, source.graph, options, log)
            guard !requiredFusions.isEmpty else { return }
        }
        if let html {
            let report = compiler.report(
                source.graph, passes: times.passes, program: program, symbols: values)
            try writeHTML(report, options, log.decisions, to: html)
        } else if explain == nil {
            try printPage(source.graph, compiler, program, values, &times)
        }
        for required in requiredFusions {
            try RequiredFusion(required).check(program, log.decisions, of: input.model)
        }
    }

    /// What `--recompute` asks for; of `auto`, what the compiler chooses.
    private func chosenRecompute(
        _ graph: Graph, _ values: [String: Int], _ options: CompilerOptions
    ) throws -> Recompute {
        guard recompute == .auto, let limit = maxMemory?.byteCount else { return recompute }
        try symbols.requireAll(values, for: graph, of: input.model)
        let choice = try global.makeCompiler(options).recomputation(graph, .auto, shapes: [values]) {
            $0.run.total + $0.lastingByteCount <= limit
        }.chosen
        let needed = choice.run.total + choice.lastingByteCount
        guard needed <= limit else {
            throw CommandError(
                .unmet,
                "\(input.model): --max-memory is \(Formatted.bytes(limit)), but with --recompute \(choice.recompute), "
                    + "which holds least, a step needs \(Formatted.bytes(needed)); choose a smaller --batch")
        }
        return choice.recompute
    }

    private func printGraphs(_ writer: StageWriter) throws {
        let passes = try writer.compiler.runPasses(writer.source.graph)
        if let name = printAfter.first(where: { name in !passes.contains { $0.name == name } }) {
            throw CommandError(
                .usage, "--print-after \(name): the pass did not run; another option leaves it out")
        }
        for pass in passes where printAfter.contains(pass.name) {
            let text = try writer.text(pass.graph)
            Console.write(
                "// after \(pass.name): \(Formatted.count(pass.graph.nodes.count, "node"))\n\(text)")
        }
    }

    private func printExplanation(
        _ form: ExplainForm, _ graph: Graph, _ options: CompilerOptions, _ log: DecisionLog
    ) throws {
        let explanation = Explanation(
            graph: graph, decisions: try selection.decisions(of: log.decisions),
            recomputed: selection.isEmpty ? log.recomputed : [],
            costModel: options.passes.context.costModel, isComplete: !selection.isEmpty)
        switch form {
        case .text: Console.print(explanation.text)
        case .json: Console.print("\(explanation.json)")
        }
    }

    private func printExchange(
        _ compiler: Compiler, _ forward: Graph, _ optimizer: OptimizerOptions, _ values: [String: Int],
        _ processes: Int
    ) throws {
        let others = network == nil ? [] : [1, 2, 4, 8, 16, 32, 64]
        let forecasts = try compiler.exchangeForecast(
            forward, optimizer, symbols: values, processes: [processes] + others, on: network?.network)
        let table = ExchangeTable(
            forecast: forecasts[0], scaling: Array(forecasts.dropFirst()), network: network?.network)
        Console.print(global.json ? "\(table.json)" : "\(table)")
    }

    private func printBisection(_ compiler: Compiler, _ graph: Graph, _ values: [String: Int]) throws {
        let seconds = compiler.bisectionSeconds(graph, symbols: values)
        guard seconds <= 60 else {
            throw CommandError(
                .usage,
                "\(input.model): interpreting the graph after each pass would take about \(Int(seconds / 60) + 1) "
                    + "minutes; choose a model with fewer layers and narrower ones, or a smaller --length")
        }
        let bisection = try compiler.bisect(graph, symbols: values)
        Console.print("\(BisectionTable(bisection: bisection, symbols: values))")
        if let divergence = bisection.divergence {
            throw CommandError(.unmet, "\(input.model): computes something else after \(divergence.stage)")
        }
    }

    private func writeHTML(
        _ report: CompilationReport, _ options: CompilerOptions, _ decisions: [FusionDecision],
        to path: String
    ) throws {
        var options = options
        options.passes.disabled.formUnion(PassPipeline.fusionPasses)
        options.passes.context = PassContext(costModel: options.passes.context.costModel)
        options.dump = nil
        let compiler = try global.makeCompiler(options)
        let passes = try compiler.runPasses(report.graph)
        let program = try compiler.lower(passes.last?.graph ?? report.graph)
        let unfused = compiler.report(report.graph, passes: passes, program: program, symbols: report.symbols)
        let page = HTMLPage(fused: report, unfused: unfused, decisions: decisions)
        try AtomicFile.write(Data(page.description.utf8), to: URL(file: path))
        global.note("\(path): written; open it in a browser")
    }

    private func printPage(
        _ graph: Graph, _ compiler: Compiler, _ program: Program, _ values: [String: Int],
        _ times: inout CompilationTimes
    ) throws {
        _ = try timed(&times.code) { try compiler.executor(program, parameters: ParameterStore()) }
        if let warning = compiler.cacheWarning { global.note(warning) }
        if timePasses { return Console.print(global.json ? "\(times.json)" : times.text) }
        let report = compiler.report(graph, passes: times.passes, program: program, symbols: values)
        let recomputation =
            recompute == .none
            ? nil : try compiler.recomputation(graph, compiler.options.recompute, shapes: [values])
        let page = CompilationPage(report: report, times: times, recomputation: recomputation)
        Console.print(global.json ? "\(page.json)" : page.description)
    }
}
