import Dispatch

/// Runs an actor's jobs one after another on a thread that no other task needs, since a model's run blocks it. Without
/// jobs there is no thread that does anything.
final class EngineThread: SerialExecutor {
    private let queue = DispatchQueue(label: "bertc.inference")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
