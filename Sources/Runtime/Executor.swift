import Foundation
import GraphIR
import KernelIR
import LLVMBridge

/// Runs a lowered graph on a worker pool. One run at a time.
public final class Executor {
    public let program: Program
    let schedule: Schedule
    private let symbolNames: [String]
    private let pool: WorkerPool
    let parameters: ParameterStore
    private var functions: [[KernelFunction?]] = []
    private var constants: [Int: AlignedMemory] = [:]
    /// What launches read as `Program.Buffer.number`.
    private let numbers: LaunchNumbers
    private let panels: ParameterPanels
    private var masks: MaskTables
    private var arena: AlignedMemory?
    private var scratch: [AlignedMemory] = []
    private(set) var bound: BoundProgram?
    private var buffers: [[UnsafeMutableRawPointer?]] = []
    /// Seconds and runs by kernel name; filled while `profiles` is set.
    public private(set) var profile: [String: (seconds: Double, calls: Int)] = [:]
    public var profiles = false

    /// Compiles the program's kernels and reserves its parameters in `parameters`.
    package init(
        _ program: Program, library: KernelLibrary, pool: WorkerPool, parameters: ParameterStore
    ) throws {
        self.program = program
        self.pool = pool
        self.parameters = parameters
        schedule = Schedule(program)
        numbers = try LaunchNumbers(program)
        masks = MaskTables(schedule.launches)
        symbolNames = program.graph.symbols
        for case .parameter(let name, let type, _) in program.graph.nodes.map(\.op) {
            try parameters.reserve(name, type)
        }
        panels = try ParameterPanels(program, schedule, library: library, pool: pool, parameters: parameters)
        let phases = schedule.launches.flatMap(\.kernel.phases)
        var compiled = try library.functions(for: phases, symbols: symbolNames, threads: pool.threads)[...]
        for launch in schedule.launches {
            functions.append(Array(compiled.prefix(launch.kernel.phases.count)))
            compiled = compiled.dropFirst(launch.kernel.phases.count)
        }
        try fillConstants()
    }

    /// Bytes of parameters, arena and working memory held now.
    public var residentByteCount: Int {
        parameters.byteCount + (arena?.byteCount ?? 0) + scratch.reduce(0) { $0 + $1.byteCount }
            + constants.values.reduce(0) { $0 + $1.byteCount } + masks.byteCount
    }

    /// Runs the graph once.
    ///
    /// - Parameters:
    ///   - inputs: every input by name; shapes fix the symbols.
    ///   - symbols: values of symbols that no input's shape fixes.
    ///   - guarded: outputs that must be finite for the updates to be applied. When one is not, no parameter is
    ///     changed and the error names the first node that made a NaN or an infinity.
    /// - Returns: every output by name.
    /// - Throws: `ExecutionError` naming the input or node.
    public func run(
        _ inputs: [String: TensorData], symbols: [String: Int] = [:], guarding guarded: [String] = []
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
        let copies = schedule.copiedUpdates.map { ($0.parameter, data($0.value)) }
        try launch(schedule.firstUpdate..<schedule.launches.count)
        for (parameter, value) in copies {
            value.bytes.withUnsafeBytes { source in
                if let base = source.baseAddress {
                    address(parameter).copyMemory(from: base, byteCount: source.count)
                }
            }
        }
        panels.noteUpdates()
        return results
    }

    // MARK: Binding

    func bind(_ inputs: [String: TensorData], _ symbols: [String: Int]) throws {
        var binding = SymbolBinding(symbols)
        for case .input(let name, let type) in program.graph.nodes.map(\.op) {
            let place = "input \"\(name)\""
            guard let tensor = inputs[name] else {
                throw ExecutionError("no tensor was given; it needs \(type)", at: place)
            }
            do throws(IRError) {
                try binding.bind(type, to: tensor.element, tensor.shape, at: place)
            } catch {
                throw ExecutionError(error.message, at: error.place)
            }
        }
        if let missing = symbolNames.first(where: { binding.values[$0] == nil }) {
            throw ExecutionError("no input's shape fixes it", at: "symbol '\(missing)'")
        }
        if bound?.symbols != binding.values { try place(binding.values) }
        for id in program.graph.inputs {
            guard case .input(let name, _) = program.graph[id].op, let tensor = inputs[name] else { continue }
            tensor.bytes.withUnsafeBytes { source in
                if let base = source.baseAddress {
                    address(Value(id)).copyMemory(from: base, byteCount: source.count)
                }
            }
        }
    }

    /// Plans memory for new shapes; grows the arena (with some room to spare) when they need more.
    private func place(_ symbols: [String: Int]) throws {
        let next = BoundProgram(program: program, schedule: schedule, names: symbolNames, symbols: symbols)
        if (arena?.byteCount ?? -1) < next.plan.byteCount {
            arena = nil
            arena = try AlignedMemory(byteCount: next.plan.byteCount + next.plan.byteCount / 8)
        }
        if scratch.isEmpty || scratch[0].byteCount < next.scratchByteCount {
            scratch = []
            let size = Swift.max(64, next.scratchByteCount + next.scratchByteCount / 8)
            for _ in 0..<pool.threads { scratch.append(try AlignedMemory(byteCount: size)) }
        }
        bound = next
        buffers = schedule.launches.map { launch in
            launch.buffers.map { buffer in
                switch buffer {
                case .value(let value): address(value)
                case .number(let number): numbers.address(number)
                case .packed(let packed): panels.address(packed)
                case .workspace(let index): arena.map { $0.start + next.plan.workspaceOffsets[index] }
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
        guard let arena, let offset = bound?.plan.valueOffsets[slot], offset >= 0 else {
            preconditionFailure("value \(program.graph.name(value)) has no memory")
        }
        return arena.start + offset
    }

    func byteCount(_ value: Value) -> Int {
        let type = program.graph.type(of: value)
        return Extent(type.shape).value(bound?.symbols ?? [:]) * type.element.byteCount
    }

    func data(_ value: Value) -> TensorData {
        let type = program.graph.type(of: value)
        let bytes = UnsafeRawBufferPointer(start: address(value), count: byteCount(value))
        return TensorData(
            element: type.element, shape: type.extents(bound?.symbols ?? [:]) ?? [], bytes: [UInt8](bytes))
    }

    private func fillConstants() throws {
        for id in program.graph.nodeIDs where program.graph[id].isFixedConstant {
            guard case .constant(let literal, let type) = program.graph[id].op else { continue }
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

    // MARK: Launching

    func launch(_ range: Range<Int>) throws {
        guard let bound else { return }
        try bound.dims.withUnsafeBufferPointer { dims in
            for step in bound.steps where range.contains(step.launch) {
                try masks.bind(
                    step.launch, &buffers[step.launch], bound.symbols,
                    at: program.graph.place(schedule.launches[step.launch].node))
                run(step, bound, dims)
            }
        }
    }

    private func run(_ step: BoundProgram.Step, _ bound: BoundProgram, _ dims: UnsafeBufferPointer<Int64>) {
        let start = profiles ? DispatchTime.now().uptimeNanoseconds : 0
        let launch = schedule.launches[step.launch]
        buffers[step.launch].withUnsafeBufferPointer { buffers in
            guard let base = buffers.baseAddress else { return }
            if case .library(let matmul) = launch.kernel.phases[step.phase] {
                matmul.run(base, bound.symbols, threads: pool.threads)
            } else if let function = functions[step.launch][step.phase],
                let dimsBase = dims.baseAddress ?? emptyDims
            {
                pool.run(tasks: step.tasks) { worker, tasks in
                    function(buffers: base, dims: dimsBase, tasks: tasks, scratch: scratch[worker].start)
                }
            }
        }
        if profiles {
            let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
            let name = launch.kernel.name + launch.kernel.phases[step.phase].suffix
            profile[name, default: (0, 0)].seconds += seconds
            profile[name, default: (0, 0)].calls += 1
        }
    }

    /// What `dims` points to when a graph has no symbols.
    private var emptyDims: UnsafePointer<Int64>? {
        UnsafePointer(scratch[0].start.assumingMemoryBound(to: Int64.self))
    }
}
