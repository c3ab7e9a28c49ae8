import Dispatch
import Foundation
import Synchronization

/// Work on the cache that no run waits for: one thread at a time with the lowest priority, which the end of the process
/// gives a moment to finish.
enum BackgroundPruning {
    /// How long the end of the process waits at most.
    private static let patience = DispatchTimeInterval.milliseconds(100)
    private static let stackBytes = 512 << 10

    private static let running = DispatchGroup()
    private static let isBusy = Mutex(false)

    /// Registered with the first thread.
    private static let waitsAtExit: Void = {
        atexit { _ = BackgroundPruning.running.wait(timeout: .now() + BackgroundPruning.patience) }
    }()

    /// Runs `body` on a thread of its own; not at all where another is at work, or the system has no thread to give.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let isFree = isBusy.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard isFree else { return }
        _ = waitsAtExit
        running.enter()
        let work = Unmanaged.passRetained(Work(body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                // Linux takes this for the calling thread alone.
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                BackgroundPruning.finish()
                return nil
            }, work.toOpaque())
        if code != 0 {
            work.release()
            finish()
        }
    }

    /// Waits for what has been started; for tests.
    static func wait() { running.wait() }

    private static func finish() {
        isBusy.withLock { $0 = false }
        running.leave()
    }

    /// What the thread does; handed over through a raw pointer.
    private final class Work {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
