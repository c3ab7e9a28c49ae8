import GraphIR

/// Bytes that a program moves, counted from its kernels and the extents alone.
///
/// A phase reads every buffer that it touches once and writes every buffer that it stores to once: what it reads
/// again while its rows are in the cache costs nothing, and what one phase leaves for the next (packed panels,
/// partial sums, every value between two launches) is written and read. Memory that is private to a task does not
/// count. The rule is the same for fused and unfused programs, so that their totals can be compared.
package struct Traffic: Hashable, Sendable {
    package var bytesRead: Int
    package var bytesWritten: Int

    package init(bytesRead: Int = 0, bytesWritten: Int = 0) {
        self.bytesRead = bytesRead
        self.bytesWritten = bytesWritten
    }

    package var byteCount: Int { bytesRead + bytesWritten }

    package static func + (left: Traffic, right: Traffic) -> Traffic {
        Traffic(
            bytesRead: left.bytesRead + right.bytesRead, bytesWritten: left.bytesWritten + right.bytesWritten)
    }
}

extension Program {
    /// What one phase of a launch moves under `symbols`.
    ///
    /// - Precondition: `symbols` has every symbol of the graph. So for the functions below.
    package func traffic(of phase: Phase, in launch: Launch, _ symbols: [String: Int]) -> Traffic {
        var counter = TrafficCounter(program: self, launch: launch, symbols: symbols)
        phase.countTraffic(&counter)
        return counter.traffic
    }

    /// What all phases of a launch move.
    package func traffic(of launch: Launch, _ symbols: [String: Int]) -> Traffic {
        launch.kernel.phases.reduce(Traffic()) { $0 + traffic(of: $1, in: launch, symbols) }
    }

    /// What a whole run moves.
    package func traffic(_ symbols: [String: Int]) -> Traffic {
        launches.reduce(Traffic()) { $0 + traffic(of: $1, symbols) }
    }
}
