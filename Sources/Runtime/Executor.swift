import GraphIR
import KernelIR
import LLVMBridge

/// Runs a lowered graph on a worker pool. One run at a time.
public final class Executor {
    public let program: Program
    let schedule: Schedule
    private let symbolNames: [String]
    private let inputs: [Input]
    let pool: WorkerPool
    let parameters: ParameterStore
    private(set) var functions: [[KernelFunction?]] = []
    let openBLAS: OpenBLAS?
    private var constants: [Int: AlignedMemory] = [:]
    /// What launches read as `Program.Buffer.number`.
    private let numbers: LaunchNumbers
    private let panels: ParameterPanels
    var masks: MaskTables
    let biases: BiasLimits
    private let memory: RunMemory
    private var plan: MemoryPlan?
    private(set) var bound: BoundProgram?
    /// The memory's generation that `buffers` point into.
    private var generation = -1
    var buffers: [[UnsafeMutableRawPointer?]] = []
    let work = LaunchWork()
    /// `work.run`, made once.
    let runTasks: WorkerPool.Body
    /// What each phase of `bound` does; counted when it is asked for.
    var works: [KernelUse.Work] = []
    /// What kernels did by name; filled while `profiles` is set.
    public internal(set) var profile: [String: KernelUse] = [:]
    public var profiles = false
    /// Receives when each worker runs which kernel.
    public var trace: RunTrace?

    private struct Input {
        let name: String
        let place: String
        let type: TensorType
        let value: Value
    }

    /// Compiles the program's kernels and reserves its parameters in `parameters`.
    package init(
        _ program: Program, library: KernelLibrary, pool: WorkerPool, parameters: ParameterStore
    ) throws {
        self.program = program
        self.pool = pool
        self.parameters = parameters
        openBLAS = library.openBLAS
        schedule = Schedule(program)
        numbers = try LaunchNumbers(program)
        masks = MaskTables(schedule.launches)
        biases = BiasLimits(schedule.launches)
        memory = parameters.runMemory
        runTasks = { [work] worker, tasks in work.run(worker, tasks) }
        symbolNames = program.graph.symbols
        inputs = program.graph.inputs.compactMap { id in
            guard case .source(.input(let name, let type)) = program.graph[id].op else { return nil }
            return Input(name: name, place: "input \"\(name)\"", type: type, value: Value(id))
        }
        for case .source(.parameter(let name, let type, _)) in program.graph.nodes.map(\.op) {
            try parameters.reserve(name, type)
        }
        panels = try ParameterPanels(program, schedule, library: library, pool: pool, parameters: parameters)
        let phases = schedule.launches.flatMap(\.kernel.phases)
        var compiled = try library.functions(for: phases, symbols: symbolNames, on: pool)[...]
        for launch in schedule.launches {
            functions.append(Array(compiled.prefix(launch.kernel.phases.count)))
            compiled = compiled.dropFirst(launch.kernel.phases.count)
        }
        try fillConstants()
    }

    /// Bytes of parameters, arena and working memory held now; all but constants and masks are shared with the other
    /// graphs over the same parameters.
    public var residentByteCount: Int {
        parameters.byteCount + memory.byteCount
            + constants.values.reduce(0) { $0 + $1.byteCount } + masks.byteCount
    }

    /// Runs the graph once.
    ///
    /// - Parameters:
    ///   - inputs: every input by name; shapes fix the symbols.
    ///   - symbols: values of symbols that no input's shape fixes.
    ///   - guarded: outputs that must be finite for the updates to be applied. When one is not, no parameter but
    ///     accumulators is changed and the error names the first node that made a NaN or an infinity.
    ///   - condition: an output that must be finite for the updates to be applied, but whose other values are no
    ///     error: the caller sees them among the results.
    /// - Returns: every output by name.
    /// - Throws: `ExecutionError` naming the input or node.
    public func run(
        _ inputs: [String: TensorData], symbols: [String: Int] = [:], guarding guarded: [String] = [],
        updatingIfFinite condition: String? = nil
    ) throws -> [String: TensorData] {
        try pool.session {
            let begin = RunTrace.now
            work.trace = trace.flatMap { $0.isFull ? nil : $0 }
            let results = try step(inputs, symbols, guarded, condition)
            work.trace?.noteRun(from: begin)
            return results
        }
    }

    private func step(
        _ inputs: [String: TensorData], _ symbols: [String: Int], _ guarded: [String], _ condition: String?
    ) throws -> [String: TensorData] {
        try bind(inputs, symbols)
        panels.refresh()
        try launch(0..<schedule.firstUpdate)
        for output in program.graph.outputs where guarded.contains(output.name) {
            if firstNonFinite(output.value) != nil { throw try locateNonFinite(inputs, symbols, output.name) }
        }
        // Outputs and copied updates may name parameters: they are read before any parameter changes.
        var results: [String: TensorData] = [:]
        for output in program.graph.outputs { results[output.name] = data(output.value) }
        let decisive = program.graph.outputs.first { $0.name == condition }
        if let decisive, firstNonFinite(decisive.value) != nil { return results }
        let copies = schedule.copiedUpdates.map { ($0.parameter, data($0.value)) }
        try launch(schedule.firstUpdate..<schedule.launches.count)
        for (parameter, value) in copies { copy(value, to: parameter) }
        panels.noteUpdates()
        return results
    }

    // MARK: Binding

    func bind(_ tensors: [String: TensorData], _ symbols: [String: Int]) throws {
        var binding = SymbolBinding(symbols)
        for input in inputs {
            guard let tensor = tensors[input.name] else {
                throw ExecutionError("no tensor was given; it needs \(input.type)", at: input.place)
            }
            do throws(IRError) {
                try binding.bind(input.type, to: tensor.element, tensor.shape, at: input.place)
            } catch {
                throw ExecutionError(error.message, at: error.place)
            }
        }
        if let missing = symbolNames.first(where: { binding.values[$0] == nil }) {
            throw ExecutionError("no input's shape fixes it", at: "symbol '\(missing)'")
        }
        if bound?.symbols != binding.values {
            bound = BoundProgram(schedule, names: symbolNames, symbols: binding.values)
            works = []
            fit(MemoryPlan.Sizes(program, schedule, binding.values))
        }
        try place()
        for input in inputs {
            if let tensor = tensors[input.name] { copy(tensor, to: input.value) }
        }
    }

    private func copy(_ tensor: TensorData, to value: Value) {
        tensor.bytes.withUnsafeBytes { source in
            if let base = source.baseAddress {
                address(value).copyMemory(from: base, byteCount: source.count)
            }
        }
    }

    /// Makes room for what has these sizes, and for what a worker needs.
    func reserve(_ sizes: MemoryPlan.Sizes, scratch: Int) throws {
        fit(sizes)
        try memory.reserve(arena: plan?.byteCount ?? 0, scratch: scratch, for: pool)
    }

    /// Plans memory in which what has these sizes fits, and all that came before.
    private func fit(_ sizes: MemoryPlan.Sizes) {
        if let plan, sizes.fit(in: plan.sizes) { return }
        var sizes = sizes
        if let plan { sizes.formMaximum(plan.sizes) }
        plan = MemoryPlan(schedule, sizes)
        generation = -1
    }

    /// Makes memory as planned, and addresses in it. Other graphs over the same parameters may have moved it.
    private func place() throws {
        guard let plan, let bound else { return }
        try memory.reserve(arena: plan.byteCount, scratch: bound.scratchByteCount, for: pool)
        guard generation != memory.generation else { return }
        generation = memory.generation
        work.scratch = memory.scratch.map(\.start)
        buffers = schedule.launches.map { launch in
            launch.buffers.map { buffer in
                switch buffer {
                case .value(let value): address(value)
                case .number(let number): numbers.address(number)
                case .packed(let packed): panels.address(packed)
                case .workspace(let index): memory.arena.map { $0.start + plan.workspaceOffsets[index] }
                // A table is bound when its launch runs.
                case .unused, .mask: nil
                }
            }
        }
    }

    func address(_ value: Value) -> UnsafeMutableRawPointer {
        let slot = schedule.slots[program.storage(of: value)]
        if let name = schedule.lives[slot].parameter { return parameters.pointer(name) }
        if let constant = constants[slot] { return constant.start }
        guard let arena = memory.arena, let offset = plan?.valueOffsets[slot], offset >= 0 else {
            preconditionFailure("value \(program.graph.name(value)) has no memory")
        }
        return arena.start + offset
    }

    func byteCount(_ value: Value) -> Int {
        schedule.slots.byteCounts[schedule.slots[value]].value(bound?.symbols ?? [:])
    }

    func data(_ value: Value) -> TensorData {
        let type = program.graph.type(of: value)
        let bytes = UnsafeRawBufferPointer(start: address(value), count: byteCount(value))
        return TensorData(type.element, type.extents(bound?.symbols ?? [:]) ?? [], [UInt8](bytes))
    }

    private func fillConstants() throws {
        for id in program.graph.nodeIDs where program.graph[id].isFixedConstant {
            guard case .source(.constant(let literal, let type)) = program.graph[id].op else { continue }
            let count = Extent(type.shape).value([:])
            let memory = try AlignedMemory(byteCount: Swift.max(1, count * type.element.byteCount))
            for index in 0..<count {
                switch literal {
                case .splat(let value): type.element.write(value, to: memory.start, at: index)
                case .dense(let values): type.element.write(values[index], to: memory.start, at: index)
                }
            }
            constants[schedule.slots[Value(id)]] = memory
        }
    }
}
