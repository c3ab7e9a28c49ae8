import Codegen
import Foundation
import GraphIR
import KernelIR
import LLVMBridge
import Lowering
import Roofline
import Runtime
import Support
import Target
import Transforms

/// Compiles graphs for this machine.
///
/// ```swift
/// let compiler = try Compiler()
/// let parameters = ParameterStore()
/// let executor = try compiler.compile(graph, parameters: parameters)
/// try parameters.set("w", TensorData(weights, shape: [384, 1536]))
/// let outputs = try executor.run(["x": TensorData(values, shape: [2, 384])])
/// ```
public final class Compiler {
    /// How it compiles.
    public let options: CompilerOptions
    /// Worker threads, the calling one included.
    public let threads: Int
    private let threadsReason: String?
    private let library: KernelLibrary
    let pool: WorkerPool

    /// Sets up worker threads and the cache of compiled kernels.
    /// - Throws: `ExecutionError` for an instruction set that does not exist and a number of threads outside 1 to 1024; an
    ///   error that says so when this machine lacks the instruction set asked for, or has less than AVX2.
    public convenience init(_ options: CompilerOptions = CompilerOptions()) throws {
        let limit = try options.instructionSet.map { name in
            guard let target = Target.named(name) else {
                let legal = CompilerOptions.instructionSets.joined(separator: ", ")
                throw ExecutionError("is not one of \(legal)", at: "instruction set \"\(name)\"")
            }
            return target
        }
        try self.init(options, cpu: TargetCPU.host(limit: limit))
    }

    /// A compiler for a processor that need not be this one; `options.instructionSet` has no part in it.
    package init(_ options: CompilerOptions, cpu: TargetCPU) throws {
        self.options = options
        let cache =
            switch options.cache {
            case .standard: ObjectCache(limits: options.cacheLimits)
            case .directory(let url): ObjectCache(directory: url, limits: options.cacheLimits)
            case .off: ObjectCache(directory: nil)
            }
        let choice = options.threads == nil ? ThreadChoice.ofProcess() : nil
        threads = options.threads ?? choice?.count ?? 1
        threadsReason = choice?.reason
        guard (1...1024).contains(threads) else {
            throw ExecutionError("must be between 1 and 1024", at: "threads \(threads)")
        }
        library = try KernelLibrary(
            cpu: cpu, f32Terms: options.precision.terms, usesLibraryMatmul: options.matmul == .openblas,
            cache: cache)
        pool = WorkerPool(threads: threads)
    }

    /// The instruction set that kernels use.
    public var instructionSet: String { library.instructionSet }

    /// Processor, instruction set and threads, for people.
    package var machineName: String { library.machineName(threads: threads) }

    /// Why there are fewer threads than processors online, if there are and the options don't say how many.
    package var threadsNote: String? {
        threadsReason.map { "\(threads) \(threads == 1 ? "thread" : "threads"): \($0)" }
    }

    /// What is computed otherwise than the precision asked for says, if anything is.
    package var precisionNote: String? {
        guard library.machine.f32Terms != options.precision.terms else { return nil }
        return "\(options.precision.rawValue) needs AMX and generated products; this is fp32, no less exact"
    }

    /// Why the precision asked for is no faster than fp32 on this machine, if it is not.
    package var slowPrecisionNote: String? {
        let lacking: String
        switch options.precision {
        case .bf16 where !library.machine.target.units.bf16.multipliesPairs: lacking = "AVX512-BF16 or AMX"
        case .fp16: lacking = "products of f16"
        case .int8 where library.machine.target.units.i8 == .widened:
            return
                "int8 is no faster than fp32 here: without VNNI its operands are widened to 16 bits before they are "
                + "multiplied; it saves memory only"
        case .fp32, .bf16, .int8, .bf16x3, .bf16x6: return nil
        }
        return
            "\(options.precision.rawValue) is no faster than fp32 here: without \(lacking) its operands are widened to "
            + "f32 before they are multiplied; it saves memory only"
    }

    /// Why compiled objects are not being kept, if they are not.
    package var cacheWarning: String? { library.cacheWarning }

    /// What this machine reaches on the compiler's threads and with its instruction set: as measured before, or
    /// measured now, which takes about a second.
    ///
    /// - Parameter again: don't believe what was measured before.
    package func ceilings(again: Bool = false) throws -> Ceilings {
        try library.ceilings(on: pool, again: again)
    }

    /// The passes that a graph goes through: a client's rules, then those of every compilation.
    public var pipeline: PassPipeline { pipeline(options.recompute) }

    /// - Parameter smoothed: the weights that have smoothing factors.
    func pipeline(_ recompute: Recompute, smoothed: Set<TextKey> = []) -> PassPipeline {
        let unquantized = options.unquantized.map(Glob.init)
        return PassPipeline.standard(
            rules: options.rules, keeping: Set(options.customKernels.map(\.definition)),
            precision: options.precision,
            quantization: Quantization(
                keeping: { name in unquantized.contains { $0.matches(name) } },
                smoothing: { smoothed.contains(TextKey($0)) }), recompute: recompute)
    }

    /// The graph after all passes.
    /// - Throws: `IRError` with the pass, node and rule.
    public func optimize(_ graph: Graph) throws -> Graph { try runPasses(graph).last?.graph ?? graph }

    /// The graph after each pass. Every stage reached is dumped, also when a later one fails.
    /// - Throws: `IRError` with the pass, node and rule; what `CompilerOptions.dump` throws.
    public func runPasses(_ graph: Graph) throws -> [PassRecord] {
        try runPasses(graph, options.recompute)
    }

    func runPasses(
        _ graph: Graph, _ recompute: Recompute, smoothed: Set<TextKey> = []
    ) throws -> [PassRecord] {
        var last = graph
        var records: [PassRecord] = []
        let result = Result {
            try pipeline(recompute, smoothed: smoothed).run(
                on: &last, options: options.passes, records: &records)
        }
        if let dump = options.dump {
            try dump(CompilationStage(graph))
            for record in records {
                try dump(CompilationStage(record.graph, after: record.name, seconds: record.seconds))
            }
        }
        try result.get()
        return records
    }

    /// The kernels of an optimised graph.
    /// - Throws: `IRError` with the node for an op that has no kernel.
    public func lower(_ graph: Graph) throws -> Program {
        try lower(graph, keepsPanels: keepsPanels)
    }

    /// Whether products find parameters packed, as they do in fused programs.
    var keepsPanels: Bool { !options.passes.disabled.contains(Pass.fusion.name) }

    var machine: Machine { library.machine }

    func lower(_ graph: Graph, keepsPanels: Bool, readers: [Program] = []) throws -> Program {
        let start = ContinuousClock.now
        let program = try Lowering.lower(
            graph, for: machine, keepsPanels: keepsPanels, readers: readers,
            customKernels: options.customKernels)
        explainViews(program)
        if let dump = options.dump {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            try dump(
                CompilationStage(
                    name: "kernels", form: .kernels, count: Set(program.launches.map(\.kernel)).count,
                    seconds: seconds, text: program.description))
        }
        return program
    }

    /// Says of every slice and concatenation whether kernels read and write it where it lies.
    private func explainViews(_ program: Program) {
        guard let explain = options.passes.context.explain else { return }
        let graph = program.graph
        for id in graph.nodeIDs {
            // Rows that follow one another are no more than an address.
            guard graph[id].op.cutsAxis, program.views[Value(id)]?.isContiguous != true else { continue }
            let reason = program.copies[id]
            let site = FusionDecision.Site(graph[id])
            explain(
                FusionDecision(
                    pattern: graph[id].op.mnemonic,
                    producer: FusionDecision.Site(graph[graph[id].operands[0].node]), consumer: site,
                    isFused: reason == nil,
                    reason: reason.map { "copied: \($0)" }
                        ?? "a part of rows that kernels read or write where it lies",
                    bytesSaved: 2 * options.passes.context.costModel.byteCount(graph[id].types[0])))
        }
    }

    /// What predictions are made with, `symbols` being the extents: the rates of this machine where `bertc roofline`
    /// or `ceilings` has measured them, those of its instruction set elsewhere. Passes do not decide with them
    /// (`CostModel`).
    package func costModel(_ symbols: [String: Int]) -> CostModel {
        var model = options.passes.context.costModel
        model.symbols = symbols
        model.rates =
            library.knownCeilings(threads: threads)?.rates(like: library.machine.target.rates)
            ?? library.machine.target.rates
        return model
    }

    /// What the program of `graph` will cost to run.
    ///
    /// - Parameters:
    ///   - graph: the graph before the passes.
    ///   - passes: what `runPasses` gave.
    ///   - program: the lowered graph.
    ///   - symbols: a value for every symbol of the graph.
    package func report(
        _ graph: Graph, passes: [PassRecord], program: Program, symbols: [String: Int]
    ) -> CompilationReport {
        CompilationReport(
            graph: graph, passes: passes, program: program, symbols: symbols,
            instructionSet: instructionSet, costModel: costModel(symbols))
    }

    /// Passes, lowering and code generation; the parameters are reserved in, or shared with, `parameters`.
    ///
    /// - Parameters:
    ///   - graph: what to compile, before the passes.
    ///   - parameters: where its parameters live.
    ///   - recompute: what a training step computes again; what the options say when `nil`.
    /// - Throws: `IRError` with the pass, node and rule; `ExecutionError` when `parameters` holds something else under a name.
    public func compile(
        _ graph: Graph, parameters: ParameterStore, recompute: Recompute? = nil
    ) throws -> Executor {
        try compile(graph, parameters: parameters, recompute: recompute, readers: [])
    }

    /// The same for a graph that updates parameters which other programs read.
    ///
    /// - Parameter readers: what reads them: their panels are written with the parameters.
    func compile(
        _ graph: Graph, parameters: ParameterStore, recompute: Recompute? = nil, readers: [Executor]
    ) throws -> Executor {
        if options.precision == .int8 {
            return try compileQuantized(graph, parameters, recompute ?? options.recompute)
        }
        let optimized = try runPasses(graph, recompute ?? options.recompute).last?.graph ?? graph
        let program = try lower(optimized, keepsPanels: keepsPanels, readers: readers.map(\.program))
        return try executor(program, parameters: parameters)
    }

    /// Generates code for a lowered graph.
    /// - Throws: `ExecutionError` when `parameters` holds something else under a name of its parameters.
    public func executor(_ program: Program, parameters: ParameterStore) throws -> Executor {
        if let dump = options.dump {
            let start = ContinuousClock.now
            let phases = differentPhases(program)
            let text = llvm(program)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            try dump(
                CompilationStage(
                    name: "llvm", form: .llvm, count: phases.count, seconds: seconds, text: text))
        }
        return try Executor(
            program, library.code(for: program, on: pool), pool: pool, parameters: parameters)
    }

    /// LLVM IR of every different phase of the launches whose node is included.
    package func llvm(_ program: Program, where isIncluded: (NodeID) -> Bool = { _ in true }) -> String {
        differentPhases(program, where: isIncluded).compactMap { name, phase in
            library.ir(phase, symbols: program.graph.symbols).map { "; \(name)\n\($0)\n" }
        }.joined()
    }

    /// Assembly of every different phase of the launches whose node is included.
    package func assembly(
        _ program: Program, where isIncluded: (NodeID) -> Bool = { _ in true }
    ) throws -> String {
        try differentPhases(program, where: isIncluded).compactMap { name, phase in
            try library.assembly(phase, symbols: program.graph.symbols).map { "# \(name)\n\($0)\n" }
        }.joined()
    }

    private func differentPhases(
        _ program: Program, where isIncluded: (NodeID) -> Bool = { _ in true }
    ) -> [(name: String, phase: Phase)] {
        var seen: Set<Phase> = []
        return program.launches.filter { isIncluded($0.node) }.flatMap { launch in
            launch.kernel.phases.filter { seen.insert($0).inserted }.map {
                ("\(launch.kernel.name)\($0.suffix)", $0)
            }
        }
    }
}
