/// The memory that runs work in: the arena, and scratch for each worker. Graphs over one set of parameters run one
/// at a time, and nothing in it outlives a run, so they share it.
final class RunMemory {
    private(set) var arena: AlignedMemory?
    private(set) var scratch: [AlignedMemory] = []
    /// Changes whenever memory moves, which makes addresses in it void.
    private(set) var generation = 0

    var byteCount: Int { scratch.reduce(arena?.byteCount ?? 0) { $0 + $1.byteCount } }

    /// Makes all addresses void, since parameters have moved.
    func noteMove() { generation += 1 }

    /// Makes sure that there are so many bytes, and that they are in memory already when a kernel touches them.
    /// Memory only grows, each time by an eighth more than asked for, which is not touched until it is needed.
    func reserve(arena arenaBytes: Int, scratch scratchBytes: Int, for pool: WorkerPool) throws(MemoryError) {
        if (arena?.byteCount ?? -1) < arenaBytes {
            // The old one goes first: both at once would not fit where one does.
            let hadArena = arena != nil
            arena = nil
            arena = try AlignedMemory(byteCount: hadArena ? arenaBytes + arenaBytes / 8 : arenaBytes)
            generation += 1
        }
        arena?.touch(arenaBytes, on: pool)
        if scratch.count < pool.threads || scratch[0].byteCount < scratchBytes {
            let size = max(64, scratchBytes, scratch.first?.byteCount ?? 0)
            scratch = []
            for _ in 0..<pool.threads { scratch.append(try AlignedMemory(byteCount: size)) }
            generation += 1
        }
        for memory in scratch { memory.touch(scratchBytes, on: pool) }
    }
}
