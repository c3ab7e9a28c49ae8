import Foundation
import Synchronization

/// Processes that are threads of one process: for tests, which need no launcher so.
package final class ThreadTransport: Transport {
    /// What all ends share: messages on their way.
    private final class Hub: Sendable {
        struct Lane: Hashable {
            let from: Int
            let to: Int
            let channel: Channel
        }

        struct State {
            /// Messages that nobody has taken, and how many were sent and asked for so far.
            var messages: [Lane: [Int: [UInt8]]] = [:]
            var sent: [Lane: Int] = [:]
            var asked: [Lane: Int] = [:]
            var isAborted = false
        }

        let state = Mutex(State())
    }

    /// A receiver's room, by the number of the transfer.
    private struct Request: @unchecked Sendable {
        let lane: Hub.Lane
        let message: Int
        let bytes: UnsafeMutableRawBufferPointer
    }

    package let rank: Int
    package let size: Int
    private let hub: Hub
    private let requests = Mutex<[Int: Request]>([:])
    private let count = Atomic(0)

    private init(_ hub: Hub, rank: Int, size: Int) { (self.hub, self.rank, self.size) = (hub, rank, size) }

    /// The ends of a group of so many.
    package static func group(of size: Int) -> [ThreadTransport] {
        let hub = Hub()
        return (0..<size).map { ThreadTransport(hub, rank: $0, size: size) }
    }

    private func number() -> Int { count.add(1, ordering: .relaxed).newValue }

    package func send(
        _ bytes: UnsafeRawBufferPointer, to other: Int, on channel: Channel
    ) throws(GroupError) -> Transfer {
        let lane = Hub.Lane(from: rank, to: other, channel: channel)
        let copy = [UInt8](bytes)
        hub.state.withLock { state in
            let number = state.sent[lane, default: 0]
            state.messages[lane, default: [:]][number] = copy
            state.sent[lane] = number + 1
        }
        return Transfer(number: number())
    }

    package func receive(
        into bytes: UnsafeMutableRawBufferPointer, from other: Int, on channel: Channel
    ) throws(GroupError) -> Transfer {
        let lane = Hub.Lane(from: other, to: rank, channel: channel)
        let message = hub.state.withLock { state in
            defer { state.asked[lane, default: 0] += 1 }
            return state.asked[lane, default: 0]
        }
        let number = number()
        let request = Request(lane: lane, message: message, bytes: bytes)
        requests.withLock { $0[number] = request }
        return Transfer(number: number)
    }

    package func isComplete(_ transfer: Transfer) throws(GroupError) -> Bool {
        guard let request = requests.withLock({ $0[transfer.number] }) else { return true }
        let found: [UInt8]? = hub.state.withLock { state in
            state.messages[request.lane]?.removeValue(forKey: request.message)
        }
        guard let found else {
            if hub.state.withLock({ $0.isAborted }) { throw GroupError("another process has ended") }
            return false
        }
        guard found.count == request.bytes.count else {
            throw GroupError(
                "a message of \(found.count) bytes came where \(request.bytes.count) are expected")
        }
        request.bytes.copyBytes(from: found)
        requests.withLock { $0[transfer.number] = nil }
        return true
    }

    package func abort(status: Int32) { hub.state.withLock { $0.isAborted = true } }

    package func finish() {}
}
