import Foundation

/// A thread of a pool, as the others see it: how long it has run, and where it may.
struct PoolThread {
    private let handle: pthread_t
    let clock: clockid_t

    /// The calling thread; `nil` when the system has no clock for it.
    static var calling: PoolThread? {
        var clock = clockid_t()
        let handle = pthread_self()
        guard pthread_getcpuclockid(handle, &clock) == 0 else { return nil }
        return PoolThread(handle: handle, clock: clock)
    }

    private init(handle: pthread_t, clock: clockid_t) { (self.handle, self.clock) = (handle, clock) }

    /// Nanoseconds for which a processor has run the thread. It must not have ended.
    var processorNanoseconds: UInt64 { nanoseconds(of: clock) }

    /// Lets the thread run in one place only. If it is waiting for a processor elsewhere, it waits there from now on.
    func move(to place: ProcessorSet) { place.apply(to: handle) }

    /// Whether a thread that ran for `run` of the last `elapsed` nanoseconds was kept from it. One that merely missed
    /// some of them, in an interrupt or a page fault, was not.
    static func isKeptFromRunning(run: UInt64, elapsed: UInt64) -> Bool { run < elapsed / 4 }
}

/// The monotonic clock in nanoseconds.
func monotonicNanoseconds() -> UInt64 { nanoseconds(of: CLOCK_MONOTONIC) }

/// What a clock of the system says.
func nanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
