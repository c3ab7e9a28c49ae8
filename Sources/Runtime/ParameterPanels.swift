import GraphIR
import KernelIR
import Target

/// Parameters in the panels of the products that read them: packed when a client has changed the parameter, and
/// kept up to date by the optimiser's kernels after that, but for panels of several terms, which are packed again.
struct ParameterPanels {
    private struct Entry {
        let packed: PackedParameter
        let name: String
        let pack: KernelCode
        let tasks: Int
    }

    private let entries: [Entry]
    /// Where the parameter of each is, by its name.
    private let names: [PackedParameter: String]
    /// Parameters that a run changes, with the panels that it writes along with them.
    private let updated: [(name: String, panels: [PackedParameter])]
    private let pool: WorkerPool
    private let parameters: ParameterStore

    init(
        _ program: Program, _ schedule: Schedule, _ code: [PackedParameter: [KernelCode]],
        pool: WorkerPool, parameters: ParameterStore
    ) throws {
        self.pool = pool
        self.parameters = parameters
        let launches = program.packings.sorted { $0.value.node < $1.value.node }
        entries = launches.flatMap { packed, launch in
            zip(launch.kernel.phases, code[packed] ?? []).map { phase, pack in
                Entry(
                    packed: packed, name: program.graph.parameterName(packed.parameter), pack: pack,
                    tasks: phase.taskCount([:]))
            }
        }
        let written = Set(
            schedule.launches.dropFirst(schedule.firstUpdate).flatMap(\.buffers).compactMap { buffer in
                if case .packed(let packed) = buffer { packed } else { nil }
            })
        updated = program.graph.updates.map { update in
            (
                program.graph.parameterName(update.parameter),
                written.filter { $0.parameter == update.parameter }
            )
        }
        names = Dictionary(entries.map { ($0.packed, $0.name) }, uniquingKeysWith: { first, _ in first })
        for entry in entries { try parameters.reserve(entry.packed, of: entry.name) }
    }

    func address(_ packed: PackedParameter) -> UnsafeMutableRawPointer? {
        names[packed].map { parameters.pointer(packed, of: $0) }
    }

    /// Packs what has changed since it was packed last.
    func refresh() {
        for entry in entries where !parameters.isCurrent(entry.packed, of: entry.name) {
            let operands = [
                parameters.pointer(entry.name), parameters.pointer(entry.packed, of: entry.name),
            ]
            let buffers = entry.pack.buffers.map { Optional(operands[$0]) }
            let dims: [Int64] = [0]
            buffers.withUnsafeBufferPointer { buffers in
                dims.withUnsafeBufferPointer { dims in
                    guard let base = buffers.baseAddress, let extents = dims.baseAddress else { return }
                    pool.run(tasks: entry.tasks) { _, tasks in
                        entry.pack.function(buffers: base, dims: extents, tasks: tasks, scratch: nil)
                    }
                }
            }
            parameters.noteCurrent(entry.packed, of: entry.name)
        }
    }

    /// By parameter the panels that a run writes along with it.
    var written: [String: Set<String>] {
        Dictionary(
            updated.map { ($0.name, Set($0.panels.map(ParameterStore.name(of:)))) },
            uniquingKeysWith: { $0.union($1) })
    }

    /// Called when a run has written its updates.
    func noteUpdates() {
        for update in updated { parameters.noteChange(of: update.name, refreshing: update.panels) }
    }
}

extension Graph {
    /// The name of the parameter that a value is.
    func parameterName(_ value: Value) -> String {
        if case .source(.parameter(let name, _, _)) = self[value.node].op { name } else { "" }
    }
}
