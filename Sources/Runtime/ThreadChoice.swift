import Foundation

/// How many threads suit this process on this machine.
package struct ThreadChoice: Equatable, Sendable {
    /// At least 1.
    package let count: Int
    /// Why there are fewer than processors online, such as `16 processors are online; one per core`; `nil` when there are
    /// not.
    package let reason: String?

    /// The choice for the calling process.
    package static func ofProcess() -> ThreadChoice {
        ThreadChoice(
            ProcessorTopology(mask: ProcessorSet.ofCallingThread?.processors), ProcessorQuota.ofProcess())
    }

    /// One thread for each performance core that the process may use, as long as its control groups' quota allows it.
    init(_ topology: ProcessorTopology, _ quota: ProcessorQuota?) {
        var reasons: [String] = []
        if topology.allowed < topology.online {
            reasons.append("this process may run on \(topology.allowed)")
        }
        if topology.performance < topology.allowed {
            reasons.append("\(topology.performance) belong to performance cores")
        }
        if topology.cores.count < topology.performance { reasons.append("one per core") }
        var count = max(1, topology.cores.count)
        if let quota, quota.processors <= Double(count - 1) {
            count = max(1, Int(quota.processors.rounded(.up)))
            let number = String(format: "%.4g", quota.processors)
            reasons.append("\(quota.file) allows the time of \(number)")
        }
        self.count = count
        reason =
            reasons.isEmpty
            ? nil : (["\(topology.online) processors are online"] + reasons).joined(separator: "; ")
    }
}
