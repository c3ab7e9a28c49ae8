import GraphIR
import KernelIR

/// Runs a lowered graph on a worker pool. One run at a time.
public final class Executor {
    /// The kernels in the order in which they run.
    public let program: Program
    private let schedule: Schedule
    private let pool: WorkerPool
    private let binding: ProgramBinding
    private let launcher: Launcher
    private let search: NonFiniteSearch

    /// Reserves the program's parameters in `parameters`.
    package init(
        _ program: Program, _ code: ProgramCode, pool: WorkerPool, parameters: ParameterStore
    ) throws {
        self.program = program
        self.pool = pool
        schedule = Schedule(program)
        let work = LaunchWork()
        binding = try ProgramBinding(
            program, schedule, code, work: work, pool: pool, parameters: parameters)
        launcher = Launcher(binding, code, work: work, pool: pool)
        search = NonFiniteSearch(binding: binding, launcher: launcher)
    }

    /// Bytes of parameters, arena and working memory held now; all but constants and masks are shared with the other
    /// graphs over the same parameters.
    public var residentByteCount: Int { binding.residentByteCount + launcher.tableByteCount }

    /// Whether `profile` is filled.
    public var profiles: Bool {
        get { launcher.profiles }
        set { launcher.profiles = newValue }
    }

    /// What kernels did by name; filled while `profiles` is set.
    public var profile: [String: KernelUse] { launcher.profile }

    /// What must be made before a run.
    package var preparation: Preparation?

    /// The parameters of the graph that have not been given a value.
    package var unsetParameters: [String] { binding.unsetParameters }

    /// Told after each launch how many are done, on the thread that runs the graph.
    package var progress: ((Int) -> Void)? {
        get { launcher.progress }
        set { launcher.progress = newValue }
    }

    /// How many launches of a run must be done until a parameter has its new value: `Int.max` where that is when the run ends.
    package func launchCount(completing parameter: String) -> Int {
        schedule.launchCount(completing: parameter, of: program.graph)
    }

    /// The parameters that a run updates, each with the names of the panels that it writes along.
    package var writtenPanels: [String: Set<String>] { binding.writtenPanels }

    /// Receives when each worker runs which kernel.
    public var trace: RunTrace?

    /// Runs the graph once.
    ///
    /// - Parameters:
    ///   - inputs: every input by name; shapes fix the symbols.
    ///   - symbols: values of symbols that no input's shape fixes.
    ///   - guarded: outputs that must be finite for the updates to be applied. When one is not, no parameter but
    ///     accumulators is changed and the error names the first node that made a NaN or an infinity.
    ///   - condition: an output that must be finite for the updates to be applied, but whose other values are no
    ///     error: the caller sees them among the results.
    ///   - names: the outputs to copy out; all when `nil`.
    /// - Returns: these outputs by name.
    /// - Throws: `ExecutionError` naming the input or node.
    public func run(
        _ inputs: [String: TensorData], symbols: [String: Int] = [:], guarding guarded: [String] = [],
        updatingIfFinite condition: String? = nil, returning names: [String]? = nil
    ) throws -> [String: TensorData] {
        try preparation?.refresh()
        return try pool.session {
            try launcher.tracing(trace) { try step(inputs, symbols, guarded, condition, names) }
        }
    }

    private func step(
        _ inputs: [String: TensorData], _ symbols: [String: Int], _ guarded: [String], _ condition: String?,
        _ names: [String]?
    ) throws -> [String: TensorData] {
        for name in guarded + (condition.map { [$0] } ?? [])
        where !program.graph.outputs.contains(where: { $0.name == name }) {
            let outputs = program.graph.outputs.map(\.name).joined(separator: ", ")
            throw ExecutionError(
                "the graph has no such output; its outputs are \(outputs)", at: "output \"\(name)\"")
        }
        try binding.bind(inputs, symbols)
        binding.refreshPanels()
        try launcher.launch(0..<schedule.firstUpdate)
        for output in program.graph.outputs where guarded.contains(output.name) {
            if search.firstNonFinite(output.value) != nil {
                throw try search.cause(of: output.name, inputs, symbols)
            }
        }
        // Outputs and copied updates may name parameters: they are read before any parameter changes.
        var results: [String: TensorData] = [:]
        for output in program.graph.outputs where names?.contains(output.name) ?? true {
            results[output.name] = binding.data(output.value)
        }
        let decisive = program.graph.outputs.first { $0.name == condition }
        if let decisive, search.firstNonFinite(decisive.value) != nil { return results }
        let copies = schedule.copiedUpdates.map { ($0.parameter, binding.data($0.value)) }
        try launcher.launch(schedule.firstUpdate..<schedule.launches.count)
        for (parameter, value) in copies { binding.copy(value, to: parameter) }
        binding.noteUpdates()
        return results
    }

    // MARK: Memory

    /// What runs with any of these symbols will hold.
    ///
    /// - Throws: `ExecutionError` where a shape has no value for a symbol of the graph, or one that makes no size. So
    ///   for `reserve`.
    public func byteCounts(of shapes: [[String: Int]]) throws -> RunByteCounts {
        try binding.symbols.check(shapes)
        return RunByteCounts(program, schedule, of: shapes, threads: pool.threads)
    }

    /// Plans and takes now what runs with any of these symbols need, so that no run has to grow anything.
    public func reserve(_ shapes: [[String: Int]]) throws {
        try binding.symbols.check(shapes)
        guard let sizes = MemoryPlan.Sizes(program, schedule, greatestOf: shapes) else { return }
        let scratch =
            shapes.map { BoundProgram(schedule, names: [], symbols: $0).scratchByteCount }.max() ?? 0
        try pool.session { try binding.reserve(sizes, scratch: scratch) }
    }
}
