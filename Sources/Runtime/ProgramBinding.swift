import GraphIR
import KernelIR

/// A program in memory: where its values are, for one assignment of the symbols at a time.
final class ProgramBinding {
    let program: Program
    let schedule: Schedule
    let symbols: SymbolCheck
    private let inputs: [Input]
    private let pool: WorkerPool
    private let parameters: ParameterStore
    private let panels: ParameterPanels
    /// Parameters that runs write, until the first run.
    private var unwritten: [String]
    private var constants: [Int: AlignedMemory] = [:]
    /// What launches read as `Program.Buffer.number`.
    private let numbers: LaunchNumbers
    private let memory: RunMemory
    /// Gets the workers' scratch memory whenever that moves.
    private let work: LaunchWork
    private var plan: MemoryPlan?
    private(set) var bound: BoundProgram?
    /// The memory's generation that `buffers` point into.
    private var generation = -1
    /// The addresses that each launch of the schedule works on. Those of mask tables are set when a launch runs.
    var buffers: [[UnsafeMutableRawPointer?]] = []

    private struct Input {
        let name: String
        let place: String
        let type: TensorType
        let value: Value
    }

    /// Reserves the program's parameters, and their panels, in `parameters`.
    init(
        _ program: Program, _ schedule: Schedule, _ code: ProgramCode, work: LaunchWork, pool: WorkerPool,
        parameters: ParameterStore
    ) throws {
        self.program = program
        self.schedule = schedule
        self.work = work
        self.pool = pool
        self.parameters = parameters
        numbers = try LaunchNumbers(program)
        memory = parameters.runMemory
        symbols = SymbolCheck(program.graph)
        inputs = program.graph.inputs.compactMap { id in
            guard case .source(.input(let name, let type)) = program.graph[id].op else { return nil }
            return Input(name: name, place: "input \"\(name)\"", type: type, value: Value(id))
        }
        for case .source(.parameter(let name, let type, _)) in program.graph.nodes.map(\.op) {
            try parameters.reserve(name, type)
        }
        panels = try ParameterPanels(program, schedule, code.packings, pool: pool, parameters: parameters)
        unwritten = program.graph.updates.map { program.graph.parameterName($0.parameter) }
        try fillConstants()
    }

    /// The parameters of the graph that have not been given a value.
    var unsetParameters: [String] {
        program.graph.parameters.compactMap { program.graph[$0].op.suppliedName }.filter {
            !parameters.isSet($0)
        }
    }

    /// Bytes of parameters, constants and run memory held now.
    var residentByteCount: Int {
        parameters.byteCount + memory.byteCount + constants.values.reduce(0) { $0 + $1.byteCount }
    }

    /// Where a launch of the schedule stands in the graph, for messages.
    func place(of launch: Int) -> String { program.graph.place(schedule.launches[launch].node) }

    // MARK: Binding

    /// Fixes the symbols, makes room for every value and takes the inputs in.
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
        if bound?.symbols != binding.values {
            try self.symbols.check(binding.values, missing: "no input's shape fixes it")
            bound = BoundProgram(schedule, names: self.symbols.names, symbols: binding.values)
            fit(MemoryPlan.Sizes(program, schedule, binding.values))
        }
        try place()
        if !unwritten.isEmpty {
            parameters.touch(unwritten, on: pool)
            unwritten = []
        }
        for input in inputs {
            if let tensor = tensors[input.name] { copy(tensor, to: input.value) }
        }
    }

    func copy(_ tensor: TensorData, to value: Value) {
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

    // MARK: Parameters in panels

    /// Packs the parameters that clients have changed.
    func refreshPanels() { panels.refresh() }

    /// By parameter the panels that a run writes along with it.
    var writtenPanels: [String: Set<String>] { panels.written }

    /// Called when a run has written its updates.
    func noteUpdates() { panels.noteUpdates() }

    // MARK: Values

    /// The first element of a value.
    func address(_ value: Value) -> UnsafeMutableRawPointer {
        let offset = program.offset(of: value, bound?.symbols ?? [:])
        return storage(value) + offset * program.graph.type(of: value).element.byteCount
    }

    private func storage(_ value: Value) -> UnsafeMutableRawPointer {
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

    /// A copy of a value.
    func data(_ value: Value) -> TensorData {
        let type = program.graph.type(of: value)
        let symbols = bound?.symbols ?? [:]
        var bytes: [UInt8] = []
        for row in rows(of: value) { bytes += row }
        return TensorData(type.element, type.extents(symbols) ?? [], bytes)
    }

    /// The bytes of a value: one piece, or its rows where they are not neighbours.
    func rows(of value: Value) -> [UnsafeRawBufferPointer] {
        let (start, size) = (UnsafeRawPointer(address(value)), byteCount(value))
        guard let view = program.rows(of: value), size > 0 else {
            return [UnsafeRawBufferPointer(start: start, count: size)]
        }
        let (symbols, element) = (bound?.symbols ?? [:], program.graph.type(of: value).element.byteCount)
        let width = view.columns.value(symbols) * element
        let stride = view.stride.value(symbols) * element
        return (0..<size / width).map { UnsafeRawBufferPointer(start: start + $0 * stride, count: width) }
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
