import Foundation

/// Threads that wait for work and share the tasks of one kernel after another.
///
/// The calling thread takes part as worker 0. Tasks are claimed in shrinking chunks through one atomic counter, so
/// that slow tasks do not leave other workers idle; which worker runs a task is therefore not
/// fixed, and a task's result must not depend on it. Between runs the workers spin for some
/// microseconds, then sleep.
///
/// When the pool has as many threads as the process may use processors, or performance cores, each worker is pinned
/// to one of them: else two that spin may share a core while another idles. The calling thread is pinned in a
/// `session` only and has its own mask back afterwards, since threads that the client starts inherit it. Where other
/// processes take processors away, `WorkerPlaces` moves threads. With fewer threads nothing is pinned: several
/// processes would all take the first processors, and the system has idle ones to choose from.
package final class WorkerPool: Sendable {
    /// What every worker runs for each of its chunks: the worker's number in `0..<threads`, which may select
    /// private scratch, and a range of tasks.
    package typealias Body = (_ worker: Int, _ tasks: Range<Int>) -> Void

    /// The number of workers, with the calling thread. Less than was asked for only if the system refused
    /// to start more threads.
    package let threads: Int

    /// Where each worker runs at first: on one processor, or on the processors of one core; empty when workers are not
    /// pinned.
    package let places: [ProcessorSet]

    private let job: WorkerPoolJob
    private let handles: [pthread_t]

    /// Starts `threads - 1` threads.
    package init(threads: Int) {
        precondition((1...WorkerPoolJob.maxThreads).contains(threads), "WorkerPool: 1 to 4096 threads")
        let allowed = ProcessorSet.ofCallingThread?.processors
        let isCrowded = threads > allowed?.count ?? ProcessInfo.processInfo.activeProcessorCount
        places = threads > 1 ? Self.places(threads, in: allowed ?? []) : []
        let job = WorkerPoolJob(
            isCrowded ? .none : places.isEmpty ? .unpinned : .pinned,
            places: places.isEmpty ? nil : WorkerPlaces(places))
        var handles: [pthread_t] = []
        for worker in 1..<threads {
            guard let handle = startWorker(worker, job) else { break }
            handles.append(handle)
        }
        self.job = job
        self.handles = handles
        self.threads = handles.count + 1
    }

    /// A processor for each thread, or else a core for each; empty when there are other numbers of them.
    private static func places(_ threads: Int, in processors: [Int]) -> [ProcessorSet] {
        if threads == processors.count { return processors.map { ProcessorSet([$0]) } }
        let cores = ProcessorTopology(mask: processors).cores
        return threads == cores.count ? cores.map { ProcessorSet($0) } : []
    }

    deinit {
        job.stop()
        for handle in handles { pthread_join(handle, nil) }
    }

    /// Runs `body` over `0..<tasks`, every task exactly once, and returns when all are done. What the
    /// tasks wrote is visible to the caller.
    ///
    /// One task, or a pool of one thread, runs on the calling thread alone. Calls from several threads take
    /// turns. A call from inside a body is a mistake in the schedule and traps.
    package func run(tasks: Int, _ body: Body) {
        withoutActuallyEscaping(body) { run(tasks: tasks, stored: $0) }
    }

    /// The same with a body that the caller keeps: nothing is allocated.
    package func run(tasks: Int, stored body: @escaping Body) {
        guard tasks > 0 else { return }
        let isNested = pthread_getspecific(insideBody) != nil
        precondition(!isNested, "WorkerPool.run was called from inside the body of another run")
        pthread_setspecific(insideBody, UnsafeRawPointer(bitPattern: 1))
        defer { pthread_setspecific(insideBody, nil) }
        guard threads > 1, tasks > 1 else { return body(0, 0..<tasks) }
        job.run(tasks: tasks, helpers: threads - 1, body)
    }

    /// Calls `body`, whose runs are not interrupted by those of other threads; pins the calling thread until
    /// it returns. Sessions may be nested.
    package func session<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        job.beginSession()
        defer { job.endSession() }
        return try body()
    }
}

/// Set on a thread while it runs the body of any pool.
private let insideBody: pthread_key_t = {
    var key = pthread_key_t()
    precondition(pthread_key_create(&key, nil) == 0, "WorkerPool: no thread-specific key is left")
    return key
}()

/// What a new thread needs; handed over through a raw pointer.
private final class WorkerStart {
    let worker: Int
    let job: WorkerPoolJob

    init(worker: Int, job: WorkerPoolJob) { (self.worker, self.job) = (worker, job) }
}

/// Starts worker number `worker`, or returns nil if the system has no thread to give.
private func startWorker(_ worker: Int, _ job: WorkerPoolJob) -> pthread_t? {
    let start = Unmanaged.passRetained(WorkerStart(worker: worker, job: job))
    var handle = pthread_t()
    let code = pthread_create(
        &handle, nil,
        { argument in
            guard let argument else { return nil }
            let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
            pthread_setspecific(insideBody, UnsafeRawPointer(bitPattern: 1))
            start.job.places?.enter(as: start.worker)
            start.job.work(as: start.worker)
            return nil
        }, start.toOpaque())
    guard code == 0 else {
        start.release()
        return nil
    }
    return handle
}
