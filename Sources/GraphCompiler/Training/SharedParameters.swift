import Collectives
import Runtime

/// A program's parameters, states and sums of gradients in memory that the processes of a group have in common: each process adds up
/// and updates its share there, and the others find it.
struct SharedParameters {
    /// What the other processes update, with the panels that are written along.
    private let written: [String: Set<String>]

    /// Moves them there; all processes do so before their first step.
    ///
    /// - Parameters:
    ///   - common: names of what is the same for all, each with the process that has its value.
    ///   - sums: names of the sums of gradients, in the order of the exchange's plan.
    ///   - update: what updates this process's share.
    init(
        _ store: ParameterStore, common: [String: Int], sums: [String], update: Executor,
        _ exchange: GradientExchange, in group: ProcessGroup
    ) throws {
        let layout = store.layout(common: Array(common.keys), own: sums)
        try group.agree(on: [("sizes of parameters", layout.text)])
        let memory = try group.sharedMemory(byteCount: layout.byteCount(processes: group.size))
        store.move(
            to: layout, at: memory.start, of: memory, rank: group.rank,
            giving: Set(common.filter { $0.value == group.rank }.keys))
        exchange.share(
            (0..<group.size).map { rank in
                sums.map { name in
                    guard let offset = layout.offset(of: name, rank: rank) else {
                        preconditionFailure("\(name) is not in shared memory")
                    }
                    return (memory.start + offset).assumingMemoryBound(to: Float.self)
                }
            })
        let own = update.writtenPanels.map { name, panels in
            ([name] + panels.sorted()).joined(separator: "\u{1F}")
        }
        // Nobody reads what another process is still copying.
        let all = try group.allGather(own.joined(separator: "\u{1E}"))
        var written: [String: Set<String>] = [:]
        for (rank, texts) in all.enumerated() where rank != group.rank {
            for text in texts.split(separator: "\u{1E}") {
                let parts = text.split(separator: "\u{1F}").map(String.init)
                written[parts[0]] = Set(parts.dropFirst())
            }
        }
        self.written = written
    }

    /// Waits until all have updated their shares, and marks those of the others as changed.
    func noteUpdates(of store: ParameterStore, in group: ProcessGroup) throws {
        try group.barrier()
        for (name, panels) in written where store.contains(name) {
            store.noteReplaced(name, panels: panels)
        }
    }
}
