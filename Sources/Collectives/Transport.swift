import Foundation

/// What carries bytes between the processes of a group: MPI, or the memory of one process where its threads stand for
/// processes. Called from one thread at a time.
package protocol Transport: Sendable {
    /// The number of this process, from 0.
    var rank: Int { get }
    /// How many processes there are.
    var size: Int { get }

    /// Starts to send bytes, which stay where they are until the transfer is complete.
    func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, on channel: Channel) throws(GroupError)
        -> Transfer
    /// Starts to receive bytes. From one process and on one channel they come in the order in which they are sent, in messages
    /// of the same sizes.
    func receive(
        into bytes: UnsafeMutableRawBufferPointer, from rank: Int, on channel: Channel
    ) throws(GroupError) -> Transfer
    /// Whether a transfer is complete, which is asked until it is; all transfers go on meanwhile.
    func isComplete(_ transfer: Transfer) throws(GroupError) -> Bool

    /// Ends all processes; any thread may call it.
    func abort(status: Int32)
    /// Leaves the group; all processes do so when nothing is under way.
    func finish() throws(GroupError)
}

/// What messages are about; those on one channel do not mix with those on another.
package enum Channel: Int, Sendable {
    case control, reduction, distribution
    case reductionBlocks, distributionBlocks

    /// Where the blocks of sparse messages go.
    var blocks: Channel { self == .reduction ? .reductionBlocks : .distributionBlocks }
}

/// A transfer under way.
package struct Transfer: Sendable {
    /// The transport's number for it.
    let number: Int
}

/// What keeps the processes of a group from reaching one another.
public struct GroupError: Error, CustomStringConvertible {
    /// What is wrong, in one line.
    public let description: String

    package init(_ description: String) { self.description = description }
}

extension Transport {
    /// Waits until transfers are complete.
    func wait(_ transfers: [Transfer]) throws(GroupError) {
        var patience = Patience()
        for transfer in transfers {
            while try !isComplete(transfer) { patience.wait() }
        }
    }

    /// What each process has given, by rank.
    func allGather(_ bytes: [UInt8]) throws(GroupError) -> [[UInt8]] {
        let counts = try exchange(sending: withUnsafeBytes(of: Int64(bytes.count)) { [UInt8]($0) }) { _ in 8 }
            .map { $0.withUnsafeBytes { Int($0.loadUnaligned(as: Int64.self)) } }
        return try exchange(sending: bytes) { counts[$0] }
    }

    /// Sends bytes to all others and receives theirs, of which there are `count(rank)`.
    private func exchange(
        sending bytes: [UInt8], count: (Int) -> Int
    ) throws(GroupError) -> [[UInt8]] {
        let others = (0..<size).filter { $0 != rank }
        let own = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        own.copyBytes(from: bytes)
        let received = others.map {
            UnsafeMutableRawBufferPointer.allocate(byteCount: count($0), alignment: 16)
        }
        defer {
            own.deallocate()
            for buffer in received { buffer.deallocate() }
        }
        var transfers: [Transfer] = []
        for (other, buffer) in zip(others, received) where buffer.count > 0 {
            transfers.append(try receive(into: buffer, from: other, on: .control))
        }
        for other in others where own.count > 0 {
            transfers.append(try send(UnsafeRawBufferPointer(own), to: other, on: .control))
        }
        try wait(transfers)
        var results = received.map { [UInt8]($0) }
        results.insert(bytes, at: rank)
        return results
    }
}

/// How a thread waits for others without taking a processor from those that compute: it looks again at once a few times, then
/// after sleeps that grow to a fifth of a millisecond.
struct Patience {
    private var looks = 0

    mutating func wait() {
        looks += 1
        if looks < 32 { sched_yield() } else { usleep(UInt32(min(200, looks))) }
    }
}
