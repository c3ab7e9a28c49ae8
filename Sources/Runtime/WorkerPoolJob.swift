import Atomics
import Foundation

/// The state that the caller and the workers of a `WorkerPool` share: one job at a time.
///
/// `gate` packs three things into one word, so that they change together:
/// ```
/// bit  63..17  number of the job (1, 2, ...)
/// bit  16      open: workers may join the job
/// bit  15..0   workers that have joined and not yet left
/// ```
/// The caller writes the job's fields, opens the gate, works along, closes the gate when no task is left and
/// waits for those who joined. A worker that wakes up late finds the gate closed and does not
/// delay anyone, and after the gate is closed and empty the fields belong to the caller again.
final class WorkerPoolJob: @unchecked Sendable {
    static let maxThreads = 4096
    private static let openBit = 1 << 16
    private static let joinedMask = openBit - 1
    private static let jobShift = 17
    /// Loops of more tasks are products, whose tasks are long. Those of fewer are over rows and bound by memory: there
    /// single tasks at the end cost more (AdamW took 1.5 times as long) than workers that finish together save.
    private static let evenTasks = 32
    /// The gate of a pool that shuts down: no job ever has this number.
    private static let stopped = -1 << jobShift

    /// Each counter has 128 bytes (two cache lines, which the processor fetches together) to itself.
    private let lines = UnsafeMutableRawPointer.allocate(byteCount: 5 * 128, alignment: 128)
    private let gate: UnsafeAtomic<Int>
    private let nextTask: UnsafeAtomic<Int>
    /// Workers asleep on `wake`.
    private let sleepers: UnsafeAtomic<Int>
    /// 1 while the caller sleeps on `done`.
    private let callerSleeps: UnsafeAtomic<Int>
    private let sync: UnsafeMutablePointer<Sync>
    private let patience: WorkerPatience
    /// Where the threads of a pinned pool run.
    let places: WorkerPlaces?

    // Written by the caller while the gate is closed and empty, read by workers that joined.
    private var tasks = 0
    /// How many pieces are made of the tasks that are left, whenever some are claimed, and the least of a piece.
    private var pieces = 1
    private var least = 1
    private var body: WorkerPool.Body = { _, _ in }

    // Belong to the thread that holds the turn.
    private var sessions = 0
    /// What the thread of the outermost session may run on otherwise; `nil` when it was not pinned.
    private var ownProcessors: ProcessorSet?

    /// Sleeping and waking. At a fixed address, as the C library wants it.
    private struct Sync {
        var lock = pthread_mutex_t()
        var wake = pthread_cond_t()
        var done = pthread_cond_t()
        /// Held for a whole run or session, so that callers take turns; its owner may lock it again.
        var turn = pthread_mutex_t()
    }

    /// - Parameters:
    ///   - patience: how long waiting threads stay awake.
    ///   - places: where they run, if they are pinned.
    init(_ patience: WorkerPatience, places: WorkerPlaces?) {
        (self.patience, self.places) = (patience, places)
        let lines = lines
        func counter(_ line: Int) -> UnsafeAtomic<Int> {
            let storage = (lines + line * 128).bindMemory(to: UnsafeAtomic<Int>.Storage.self, capacity: 1)
            storage.initialize(to: UnsafeAtomic<Int>.Storage(0))
            return UnsafeAtomic<Int>(at: storage)
        }
        gate = counter(0)
        nextTask = counter(1)
        sleepers = counter(2)
        callerSleeps = counter(3)
        sync = .allocate(capacity: 1)
        sync.initialize(to: Sync())
        pthread_mutex_init(&sync.pointee.lock, nil)
        var recursive = pthread_mutexattr_t()
        pthread_mutexattr_init(&recursive)
        pthread_mutexattr_settype(&recursive, Int32(PTHREAD_MUTEX_RECURSIVE))
        pthread_mutex_init(&sync.pointee.turn, &recursive)
        pthread_mutexattr_destroy(&recursive)
        pthread_cond_init(&sync.pointee.wake, nil)
        // Timed waits follow the clock that the pool reads.
        var monotonic = pthread_condattr_t()
        pthread_condattr_init(&monotonic)
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC)
        pthread_cond_init(&sync.pointee.done, &monotonic)
        pthread_condattr_destroy(&monotonic)
    }

    deinit {
        pthread_cond_destroy(&sync.pointee.done)
        pthread_cond_destroy(&sync.pointee.wake)
        pthread_mutex_destroy(&sync.pointee.turn)
        pthread_mutex_destroy(&sync.pointee.lock)
        sync.deallocate()
        lines.deallocate()
    }

    // MARK: The caller's side

    /// Takes the turn for a number of runs, and pins the calling thread to its place if there are places.
    func beginSession() {
        pthread_mutex_lock(&sync.pointee.turn)
        sessions += 1
        guard sessions == 1, let places else { return }
        ownProcessors = places.beginSession()
    }

    func endSession() {
        sessions -= 1
        if sessions == 0, let places, let ownProcessors {
            places.endSession(ownProcessors)
            self.ownProcessors = nil
        }
        pthread_mutex_unlock(&sync.pointee.turn)
    }

    /// Runs one job together with up to `helpers` other workers.
    func run(tasks: Int, helpers: Int, _ body: @escaping WorkerPool.Body) {
        pthread_mutex_lock(&sync.pointee.turn)
        defer { pthread_mutex_unlock(&sync.pointee.turn) }
        self.tasks = tasks
        pieces = 4 * (helpers + 1)
        least = tasks > Self.evenTasks ? 1 : max(1, tasks / pieces)
        self.body = body
        nextTask.store(0, ordering: .relaxed)
        let number = gate.load(ordering: .relaxed) >> Self.jobShift + 1
        // Sequentially consistent with the sleepers' count: either the caller sees a sleeper here, or the
        // sleeper, which counts itself first and looks at the gate second, sees the open gate.
        gate.store(number << Self.jobShift | Self.openBit, ordering: .sequentiallyConsistent)
        wakeSleepers(atMost: min(helpers, tasks - 1))
        claimTasks(as: 0)
        let before = gate.loadThenBitwiseAnd(with: ~Self.openBit, ordering: .sequentiallyConsistent)
        if before & Self.joinedMask != 0 { waitUntilEmpty() }
        self.body = { _, _ in }
    }

    /// Ends every worker's loop.
    func stop() {
        gate.store(Self.stopped, ordering: .sequentiallyConsistent)
        wakeSleepers(atMost: .max)
    }

    private func wakeSleepers(atMost limit: Int) {
        let count = min(limit, sleepers.load(ordering: .sequentiallyConsistent))
        guard count > 0 else { return }
        // After this, who was about to sleep does. Signals come from outside of the lock: who wakes up needs it.
        locked {}
        for _ in 0..<count { pthread_cond_signal(&sync.pointee.wake) }
    }

    private func waitUntilEmpty() {
        if spin(patience.usual, until: isEmpty) { return }
        // The first look is what the others compare with.
        if let places, places.lends {
            _ = places.observe()
            let end = monotonicNanoseconds() + patience.most
            repeat {
                if spin(WorkerPlaces.watchNanoseconds, until: isEmpty) { return }
            } while !places.observe() && monotonicNanoseconds() < end
        }
        callerSleeps.store(1, ordering: .sequentiallyConsistent)
        while !isEmpty() { sleepForWorkers() }
        callerSleeps.store(0, ordering: .relaxed)
        places?.sendHome()
    }

    private func isEmpty() -> Bool { gate.load(ordering: .sequentiallyConsistent) & Self.joinedMask == 0 }

    /// Sleeps until workers have left the job, or for so long that it is worth another look at them.
    private func sleepForWorkers() {
        guard let places, places.lends else {
            locked { if !isEmpty() { pthread_cond_wait(&sync.pointee.done, &sync.pointee.lock) } }
            return
        }
        places.lend()
        let end = monotonicNanoseconds() + patience.most
        var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        locked {
            if !isEmpty() { pthread_cond_timedwait(&sync.pointee.done, &sync.pointee.lock, &time) }
        }
        _ = places.observe()
    }

    // MARK: The workers' side

    /// A worker's life: joins each job that it is in time for, until `stop()`.
    func work(as worker: Int) {
        var seen = 0
        while true {
            var state = gate.load(ordering: .acquiring)
            if state == Self.stopped { return }
            guard isNew(state, after: seen) else {
                waitForJob(after: seen, as: worker)
                continue
            }
            seen = state >> Self.jobShift
            // Said first, so that the caller can see whoever it waits for.
            places?.begin(worker)
            var joined = false
            while !joined && state & Self.openBit != 0 && state >> Self.jobShift == seen {
                (joined, state) = gate.weakCompareExchange(
                    expected: state, desired: state + 1, successOrdering: .acquiringAndReleasing,
                    failureOrdering: .acquiring)
            }
            if joined { claimTasks(as: worker) }
            let isAway = places?.end(worker) ?? false
            if joined { leave() }
            if isAway { places?.goHome(worker) }
        }
    }

    private func isNew(_ state: Int, after seen: Int) -> Bool {
        state & Self.openBit != 0 && state >> Self.jobShift != seen
    }

    /// Returns when a job may have begun, or on `stop()`.
    private func waitForJob(after seen: Int, as worker: Int) {
        func hasNews() -> Bool {
            let state = gate.load(ordering: .sequentiallyConsistent)
            return state == Self.stopped || isNew(state, after: seen)
        }
        if spin(patience.usual, until: hasNews) { return }
        if let places, watchCaller(places, as: worker, until: hasNews) { return }
        locked {
            sleepers.wrappingIncrement(ordering: .sequentiallyConsistent)
            // Once only: a worker that was woken too late for a job stays awake for the next one.
            if !hasNews() { pthread_cond_wait(&sync.pointee.wake, &sync.pointee.lock) }
            sleepers.wrappingDecrement(ordering: .sequentiallyConsistent)
        }
    }

    /// Waits for the caller for some time. Where it could run but does not, the worker gives it its place.
    /// - Returns: whether there are news.
    private func watchCaller(
        _ places: WorkerPlaces, as worker: Int, until hasNews: () -> Bool
    ) -> Bool {
        let end = monotonicNanoseconds() + patience.most
        var start = monotonicNanoseconds()
        while start < end {
            let before = places.callerNanoseconds
            if spin(WorkerPlaces.watchNanoseconds, until: hasNews) { return true }
            let now = monotonicNanoseconds()
            defer { start = now }
            guard let before, let after = places.callerNanoseconds else { continue }
            let sleeps = callerSleeps.load(ordering: .relaxed) != 0 && !isEmpty()
            let isKept = PoolThread.isKeptFromRunning(
                run: after - min(after, before), elapsed: now - start)
            if isKept, !sleeps, places.swap(worker, unless: hasNews) { return hasNews() }
        }
        return false
    }

    private func leave() {
        let after = gate.wrappingDecrementThenLoad(ordering: .sequentiallyConsistent)
        let isLast = after & (Self.openBit | Self.joinedMask) == 0
        if isLast, callerSleeps.load(ordering: .sequentiallyConsistent) != 0 {
            locked {}
            pthread_cond_signal(&sync.pointee.done)
        }
    }

    // MARK: Both sides

    /// Runs chunks until none is left: long ones at first, single tasks at the end, so that workers finish together
    /// (guided self-scheduling: Polychronopoulos and Kuck, IEEE Trans. Computers C-36, 1987). Not inlined: all
    /// references to the body's context are gone when it returns, before the worker leaves the job.
    @inline(never)
    private func claimTasks(as worker: Int) {
        let tasks = tasks
        let (pieces, least) = (pieces, least)
        let body = body
        var begin = nextTask.load(ordering: .relaxed)
        while begin < tasks {
            let end = begin + max(least, (tasks - begin) / pieces)
            let (isClaimed, next) = nextTask.weakCompareExchange(
                expected: begin, desired: end, ordering: .relaxed)
            if isClaimed { body(worker, begin..<min(end, tasks)) }
            begin = isClaimed ? nextTask.load(ordering: .relaxed) : next
        }
    }

    /// Polls `condition` for some time; false when the time is over. (No PAUSE instruction: Swift reaches it only as
    /// an LLVM intrinsic, which does not compile under the thread sanitizer.)
    @inline(__always)
    private func spin(_ nanoseconds: UInt64, until condition: () -> Bool) -> Bool {
        guard nanoseconds > 0 else { return condition() }
        let end = monotonicNanoseconds() + nanoseconds
        repeat {
            for _ in 0..<8 where condition() { return true }
            if patience.yields { sched_yield() }
        } while monotonicNanoseconds() < end
        return false
    }

    @inline(__always)
    private func locked(_ body: () -> Void) {
        pthread_mutex_lock(&sync.pointee.lock)
        body()
        pthread_mutex_unlock(&sync.pointee.lock)
    }
}
