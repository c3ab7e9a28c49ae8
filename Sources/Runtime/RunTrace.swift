import Foundation
import Synchronization

/// When each worker ran which kernel, over some runs of an executor.
public final class RunTrace {
    /// Something that one thread did, in nanoseconds since the trace began.
    public struct Event: Hashable, Sendable {
        /// What ran: the name of a kernel.
        public let name: String
        /// When it began, in nanoseconds since the trace was made.
        public let begin: Int
        /// When it ended, in nanoseconds since the trace was made.
        public let end: Int
    }

    /// A worker's events as they come. Workers write to their own only, on cache lines of their own.
    private final class Track: @unchecked Sendable {
        var spans: [(launch: Int, begin: Int, end: Int)] = []
    }

    /// No run begins to be traced when there are so many events already.
    private let limit: Int
    private let start = RunTrace.now
    private let tracks: [Track]
    /// The kernel of each launch that ran.
    private var names: [String] = []
    /// Whole runs, as the calling thread sees them.
    public private(set) var runs: [Event] = []
    /// Buckets of gradients on their way between processes, from when they are complete until their sums have come.
    public var exchanges: [Event] { sent.withLock(\.self) }
    private let sent = Mutex<[Event]>([])

    /// A trace that `Executor.trace` or `TrainingProgram.trace` fills.
    ///
    /// - Parameters:
    ///   - workers: threads of the compiler.
    ///   - limit: events after which no other run is traced.
    public init(workers: Int, limit: Int = 200_000) {
        self.limit = limit
        tracks = (0..<workers).map { _ in Track() }
    }

    /// Threads that are traced; the first one is the caller.
    public var workerCount: Int { tracks.count }

    /// Whether the limit is reached, so that nothing more is recorded.
    public var isFull: Bool { tracks.reduce(0) { $0 + $1.spans.count } >= limit }

    /// The kernels that a worker took part in, in order: one event each, from its first task to its last.
    public func events(of worker: Int) -> [Event] {
        tracks[worker].spans.map {
            Event(name: names[$0.launch], begin: $0.begin - start, end: $0.end - start)
        }
    }

    /// The clock of the trace in nanoseconds.
    package static var now: Int { Int(DispatchTime.now().uptimeNanoseconds) }

    /// Says that a kernel is launched now.
    /// - Returns: its number, for `note`.
    func launch(_ name: String) -> Int {
        names.append(name)
        return names.count - 1
    }

    /// Notes that a worker ran tasks of a launch until now.
    func note(_ launch: Int, of worker: Int, from begin: Int) {
        let track = tracks[worker]
        let end = Self.now
        if let last = track.spans.last, last.launch == launch {
            track.spans[track.spans.count - 1].end = end
        } else {
            track.spans.append((launch, begin, end))
        }
    }

    /// Notes an exchange that ends now.
    package func noteExchange(_ name: String, since begin: ContinuousClock.Instant) {
        let end = Self.now
        let duration = (ContinuousClock.now - begin).components
        let nanoseconds = Int(duration.seconds) * 1_000_000_000 + Int(duration.attoseconds / 1_000_000_000)
        sent.withLock { sent in
            guard sent.count < limit else { return }
            sent.append(Event(name: name, begin: end - nanoseconds - start, end: end - start))
        }
    }

    /// Notes a run that ends now.
    func noteRun(from begin: Int) {
        runs.append(Event(name: "run \(runs.count + 1)", begin: begin - start, end: Self.now - start))
    }
}
