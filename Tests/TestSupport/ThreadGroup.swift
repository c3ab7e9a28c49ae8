import Collectives
import Foundation
import Synchronization

/// Runs `body` once for each process of a group, whose processes are threads of this one.
///
/// - Parameter sharesMemory: whether they have memory in common, which is mapped for each, or messages only.
/// - Returns: what each comes to, by rank.
/// - Throws: the error of the lowest rank that has one of its own.
package func inGroup<Result: Sendable>(
    of size: Int, sharesMemory: Bool = true, _ body: @escaping @Sendable (ProcessGroup) throws -> Result
) throws -> [Result] {
    let outcomes = outcomes(ofGroupOf: size, sharesMemory: sharesMemory, body)
    let failures = outcomes.compactMap { outcome -> (any Error)? in
        if case .failure(let error) = outcome { error } else { nil }
    }
    if let cause = failures.first(where: { !($0 is GroupError) }) { throw cause }
    return try outcomes.map { try $0.get() }
}

/// The same with the errors of each.
package func outcomes<Result: Sendable>(
    ofGroupOf size: Int, sharesMemory: Bool = true,
    _ body: @escaping @Sendable (ProcessGroup) throws -> Result
) -> [Swift.Result<Result, any Error>] {
    let transports = ThreadTransport.group(of: size)
    let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
    let done = DispatchSemaphore(value: 0)
    for transport in transports {
        let thread = Thread {
            let result = Swift.Result {
                let group = try ProcessGroup(sharesMemory: sharesMemory) { transport }
                do {
                    return try body(group)
                } catch {
                    group.abort(status: 1)
                    throw error
                }
            }
            results.withLock { $0[transport.rank] = result }
            done.signal()
        }
        // As deep as the main thread's.
        thread.stackSize = 8 << 20
        thread.start()
    }
    for _ in transports { done.wait() }
    return results.withLock { results in transports.compactMap { results[$0.rank] } }
}
