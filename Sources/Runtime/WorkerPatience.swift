/// How long a thread of a pool that waits stays awake.
struct WorkerPatience {
    /// Nanoseconds in which most waits end; another thread is not watched before.
    let usual: UInt64
    /// Nanoseconds after which a thread goes to sleep that waits for one that does run.
    let most: UInt64
    /// Whether the processor is offered to others between polls.
    let yields: Bool

    /// Every thread has a place. Nobody else waits for the processor, or if so, `WorkerPlaces` sees to it.
    static let pinned = WorkerPatience(usual: 20_000, most: 500_000, yields: false)
    /// A thread that waits may sit on the processor that the one it waits for could have.
    static let unpinned = WorkerPatience(usual: 40_000, most: 40_000, yields: true)
    /// More threads than processors: a thread that waits leaves its processor to others at once.
    static let none = WorkerPatience(usual: 0, most: 0, yields: false)
}
