import Atomics
import Foundation

/// Where the threads of a pinned pool run, and how they help each other when another process takes a processor away
/// from one of them.
///
/// At the end of a job the caller waits for workers that still have tasks, and between jobs workers wait for the
/// caller. A thread that waits has a processor and nothing to do. If the one it waits for could run but does not
/// (its processor time stands still), it makes room:
/// - The caller *lends* its processor to the worker and sleeps. The worker ends its tasks there, goes home, and takes
///   part in jobs again when it gets its own processor back.
/// - A worker *swaps* with the caller, since all jobs begin with the caller, and competes for the processor from
///   then on.
///
/// So nobody waits longer than `watchNanoseconds` or so for a thread that does not run, whatever else the machine
/// has to do: one shared processor costs what the others take of it, and not all processors for as long.
final class WorkerPlaces: @unchecked Sendable {
    /// How long a thread is watched before it is said not to run. Shorter, the clock's own cost would show; the
    /// system takes a processor away for milliseconds.
    static let watchNanoseconds: UInt64 = 10_000
    private static let lineSize = 128

    private let count: Int
    /// Two cache lines for each thread.
    private let lines: UnsafeMutableRawPointer
    /// Held while threads are moved, and while a session begins or ends.
    private let moves: UnsafeMutablePointer<pthread_mutex_t>
    /// The place of each thread. Under `moves`; a worker's changes in `swap` only, which that worker calls.
    private let homes: UnsafeMutablePointer<ProcessorSet>
    /// Written by each worker before it joins its first job, and by the caller when a session begins.
    private let threads: UnsafeMutablePointer<PoolThread?>
    /// The clock of the pinned caller, for workers to look at; 0 outside of sessions.
    private let callerClock: UnsafeAtomic<Int>

    // Belong to the caller while it waits.
    private let observed: UnsafeMutablePointer<(run: UInt64, isKept: Bool)>
    private var observedAt: UInt64 = 0

    /// - Parameter places: the processors of each thread, the caller's first: one, or the threads of one core.
    init(_ places: [ProcessorSet]) {
        count = places.count
        lines = .allocate(byteCount: (count + 1) * Self.lineSize, alignment: Self.lineSize)
        homes = .allocate(capacity: count)
        _ = UnsafeMutableBufferPointer(start: homes, count: count).initialize(from: places)
        moves = .allocate(capacity: 1)
        moves.initialize(to: pthread_mutex_t())
        pthread_mutex_init(moves, nil)
        threads = .allocate(capacity: count)
        threads.initialize(repeating: nil, count: count)
        observed = .allocate(capacity: count)
        observed.initialize(repeating: (0, false), count: count)
        let clock = (lines + count * Self.lineSize).bindMemory(
            to: UnsafeAtomic<Int>.Storage.self, capacity: 1)
        clock.initialize(to: UnsafeAtomic<Int>.Storage(0))
        callerClock = UnsafeAtomic(at: clock)
        for index in 0..<count {
            let flags = (lines + index * Self.lineSize).bindMemory(
                to: UnsafeAtomic<Bool>.Storage.self, capacity: 2)
            flags.initialize(to: UnsafeAtomic<Bool>.Storage(false))
            (flags + 1).initialize(to: UnsafeAtomic<Bool>.Storage(false))
        }
    }

    deinit {
        pthread_mutex_destroy(moves)
        moves.deallocate()
        observed.deallocate()
        threads.deallocate()
        homes.deallocate()
        lines.deallocate()
    }

    /// Whether a worker has tasks.
    private func isBusy(_ worker: Int) -> UnsafeAtomic<Bool> { flag(worker, 0) }
    /// Whether a worker was moved away from its home.
    private func isAway(_ worker: Int) -> UnsafeAtomic<Bool> { flag(worker, 1) }

    private func flag(_ worker: Int, _ index: Int) -> UnsafeAtomic<Bool> {
        let flags = (lines + worker * Self.lineSize).assumingMemoryBound(to: UnsafeAtomic<Bool>.Storage.self)
        return UnsafeAtomic(at: flags + index)
    }

    // MARK: Joining

    /// Called by worker `worker` when it starts.
    func enter(as worker: Int) {
        threads[worker] = PoolThread.calling
        homes[worker].applyToCallingThread()
    }

    /// Pins the calling thread for a session.
    /// - Returns: what it may run on otherwise; `nil` when it may not run on its processor and was not pinned.
    func beginSession() -> ProcessorSet? {
        pthread_mutex_lock(moves)
        defer { pthread_mutex_unlock(moves) }
        guard let own = ProcessorSet.ofCallingThread, homes[0].isSubset(of: own) else { return nil }
        guard homes[0].applyToCallingThread() else { return nil }
        threads[0] = PoolThread.calling
        callerClock.store(Int(threads[0]?.clock ?? 0), ordering: .relaxed)
        return own
    }

    /// Lets the calling thread run where it may otherwise.
    func endSession(_ own: ProcessorSet) {
        pthread_mutex_lock(moves)
        defer { pthread_mutex_unlock(moves) }
        callerClock.store(0, ordering: .relaxed)
        own.applyToCallingThread()
    }

    /// Says that a worker has tasks from now on.
    func begin(_ worker: Int) { isBusy(worker).store(true, ordering: .relaxed) }

    /// Says that a worker has no tasks any more.
    /// - Returns: whether it has been moved, or is just being moved, and has to go home.
    func end(_ worker: Int) -> Bool {
        // Sequentially consistent, as in `lend`: either the caller sees that the worker is not busy, or the worker
        // sees that it is away.
        isBusy(worker).store(false, ordering: .sequentiallyConsistent)
        return isAway(worker).load(ordering: .sequentiallyConsistent)
    }

    /// Called by a worker that has left a job and is away.
    func goHome(_ worker: Int) {
        // Whoever is moving it has done so after this.
        pthread_mutex_lock(moves)
        let isAway = isAway(worker).exchange(false, ordering: .relaxed)
        pthread_mutex_unlock(moves)
        if isAway { homes[worker].applyToCallingThread() }
    }

    // MARK: The caller waits for workers

    /// Whether the calling thread may lend its processor: it is pinned to it.
    var lends: Bool { callerClock.load(ordering: .relaxed) != 0 }

    /// Looks at the clocks of the workers that have tasks.
    /// - Returns: whether one of them has not run since the last look.
    func observe() -> Bool {
        let now = monotonicNanoseconds()
        var found = false
        for worker in 1..<count where isBusy(worker).load(ordering: .acquiring) {
            guard let thread = threads[worker] else { continue }
            let run = thread.processorNanoseconds
            let isKept = PoolThread.isKeptFromRunning(
                run: run - min(run, observed[worker].run), elapsed: now - observedAt)
            observed[worker] = (run, isKept)
            found = found || isKept
        }
        observedAt = now
        return found
    }

    /// Lets workers that did not run continue on the calling thread's processor, which has to sleep then, and on
    /// those of workers without tasks.
    func lend() {
        pthread_mutex_lock(moves)
        defer { pthread_mutex_unlock(moves) }
        var lender = 0
        for worker in 1..<count where observed[worker].isKept {
            observed[worker].isKept = false
            isAway(worker).store(true, ordering: .sequentiallyConsistent)
            guard isBusy(worker).load(ordering: .sequentiallyConsistent) else {
                isAway(worker).store(false, ordering: .relaxed)
                continue
            }
            threads[worker]?.move(to: homes[lender])
            repeat {
                lender = (lender + 1) % count
            } while lender != 0
                && isBusy(lender).load(ordering: .relaxed)
        }
    }

    /// Gives the processors that were lent to their own threads again, by the caller when it has woken up: it may have
    /// interrupted a worker on the way home.
    func sendHome() {
        pthread_mutex_lock(moves)
        defer { pthread_mutex_unlock(moves) }
        for worker in 1..<count where isAway(worker).exchange(false, ordering: .relaxed) {
            threads[worker]?.move(to: homes[worker])
        }
    }

    // MARK: A worker waits for the caller

    /// How long the caller has run; `nil` when it cannot be watched.
    var callerNanoseconds: UInt64? {
        let clock = callerClock.load(ordering: .relaxed)
        return clock == 0 ? nil : nanoseconds(of: clockid_t(truncatingIfNeeded: clock))
    }

    /// Gives the caller the place of a worker, the calling thread, `unless` the caller has gone on by now.
    /// - Returns: whether it is done, or needless.
    func swap(_ worker: Int, unless hasGoneOn: () -> Bool) -> Bool {
        // The caller itself may have been stopped while it moved threads.
        guard pthread_mutex_trylock(moves) == 0 else { return false }
        let isNeedless = !lends || hasGoneOn()
        if !isNeedless {
            (homes[0], homes[worker]) = (homes[worker], homes[0])
            threads[0]?.move(to: homes[0])
        }
        pthread_mutex_unlock(moves)
        if !isNeedless { homes[worker].applyToCallingThread() }
        return true
    }
}
