import Foundation
import Synchronization

/// The processes that share a training run. What each asks of the group, it asks in the same order as the others.
///
/// All messages go through one thread of the group's own, so that they move on while others compute.
public final class ProcessGroup: Sendable {
    /// Work for the thread, or its end.
    private enum Job: Sendable {
        case work(@Sendable (any Transport) -> Void)
        case end
    }

    /// The number of this process, from 0.
    public let rank: Int
    /// How many processes there are.
    public let size: Int
    /// The name of its machine.
    public let host: String
    /// Whether its processes can have memory in common: those of one machine do, where the system lets them.
    public let sharesMemory: Bool
    /// Why they can't, though all are on one machine.
    public let memoryNote: String?
    private let transport: any Transport
    private let jobs = JobQueue<Job>()

    /// All processes make their groups together.
    ///
    /// - Parameters:
    ///   - sharesMemory: whether its processes have memory in common where they can.
    ///   - makeTransport: called on the thread that will use it.
    package init(
        sharesMemory: Bool = true, _ makeTransport: @escaping @Sendable () throws -> any Transport
    ) throws {
        let jobs = jobs
        let host = ProcessInfo.processInfo.hostName
        let made = Promise<(transport: any Transport, sharing: MemorySharing)>()
        let thread = Thread {
            let result = Result {
                let transport = try makeTransport()
                let sharing = try MemorySharing(host: host, isWanted: sharesMemory, through: transport)
                return (transport: transport, sharing: sharing)
            }
            made.fulfil(result)
            guard case .success((let transport, _)) = result else { return }
            while case .work(let body) = jobs.next() { body(transport) }
        }
        thread.name = "exchange"
        thread.start()
        let sharing: MemorySharing
        (transport, sharing) = try made.value()
        (rank, size) = (transport.rank, transport.size)
        (self.sharesMemory, memoryNote) = (sharing.isPossible, sharing.problem)
        self.host = host
    }

    deinit { jobs.add(.end) }

    /// Whether this process speaks for all: it prints, and writes files.
    public var isFirst: Bool { rank == 0 }

    /// Starts work on the group's thread, behind what was started before.
    package func start<Result: Sendable>(
        _ body: @escaping @Sendable (any Transport) throws -> Result
    ) -> Promise<Result> {
        let promise = Promise<Result>()
        jobs.add(.work { transport in promise.fulfil(Swift.Result { try body(transport) }) })
        return promise
    }

    /// What each process has given, by rank.
    package func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        guard size > 1 else { return [bytes] }
        return try start { try $0.allGather(bytes) }.value()
    }

    /// What each process has given, by rank.
    package func allGather(_ text: String) throws -> [String] {
        try allGather([UInt8](text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether any process says so.
    package func any(_ condition: Bool) throws -> Bool {
        try allGather([condition ? 1 : 0] as [UInt8]).contains([1])
    }

    /// Waits until all processes are here.
    package func barrier() throws { _ = try allGather([UInt8]()) }

    /// Refuses to go on where processes differ in what they must have in common.
    ///
    /// - Parameters:
    ///   - values: what this process has, with a name for each; the same names in the same order everywhere.
    /// - Throws: `GroupError` that names the first value that differs, both ranks and their machines.
    package func agree(on values: [(name: String, value: String)]) throws {
        let others = try allGather(([host] + values.map(\.value)).joined(separator: "\u{1F}"))
        let parts = others.map {
            $0.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
        }
        for (index, value) in values.enumerated() {
            guard let rank = parts.firstIndex(where: { $0[index + 1] != parts[0][index + 1] }) else {
                continue
            }
            throw GroupError(
                "\(value.name) differ: rank 0 (\(parts[0][0])) has \(parts[0][index + 1]), rank \(rank) "
                    + "(\(parts[rank][0])) has \(parts[rank][index + 1]); all processes must have the same")
        }
    }

    /// Ends all processes of the group, since this one failed.
    package func abort(status: Int32) { transport.abort(status: status) }

    /// Leaves the group, when all have come to here.
    package func finish() throws {
        try barrier()
        try start { try $0.finish() }.value()
    }
}

/// A result that another thread will have.
package final class Promise<Value: Sendable>: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Value, any Error>?>(nil)

    init() {}

    func fulfil(_ result: sending Result<Value, any Error>) {
        self.result.withLock { $0 = result }
        done.signal()
    }

    /// Waits for it.
    package func value() throws -> Value {
        done.wait()
        done.signal()
        guard let result = result.withLock({ $0 }) else { preconditionFailure("a promise without a result") }
        return try result.get()
    }
}

/// Jobs that one thread takes in the order in which others add them.
private final class JobQueue<Job: Sendable>: Sendable {
    private let count = DispatchSemaphore(value: 0)
    private let jobs = Mutex<[Job]>([])

    func add(_ job: Job) {
        jobs.withLock { $0.append(job) }
        count.signal()
    }

    func next() -> Job {
        count.wait()
        return jobs.withLock { $0.removeFirst() }
    }
}
