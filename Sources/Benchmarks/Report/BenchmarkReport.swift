import GraphCompiler

/// All rows, and what they were measured on.
package struct BenchmarkReport: Encodable {
    package let machine: MachineDescription
    package var results: [BenchmarkResult] = []
    /// Rows that cannot be measured here.
    package var omitted: [Omission] = []

    package struct Omission: Encodable, Sendable {
        package let name: String
        package let reason: String
    }

    package init(machine: MachineDescription) { self.machine = machine }

    package mutating func omit(_ workload: Workload, because reason: String) {
        omitted.append(Omission(name: workload.name, reason: reason))
    }
}

/// What decides how fast anything can be.
package struct MachineDescription: Encodable, Sendable {
    /// Processor, instruction set and threads, as `bertc roofline` names them.
    package let name: String
    package let cores: Int
    /// FLOPs a second on all threads.
    package let flopsPerSecond: Double
    package let bf16FlopsPerSecond: Double
    /// `nil` without a peer.
    package let versions: PeerPython.Versions?

    private enum CodingKeys: String, CodingKey {
        case name, cores, versions
        case flopsPerSecond = "flops_per_second"
        case bf16FlopsPerSecond = "bf16_flops_per_second"
    }

    package init(
        name: String, cores: Int, flopsPerSecond: Double, bf16FlopsPerSecond: Double,
        versions: PeerPython.Versions?
    ) {
        (self.name, self.cores, self.versions) = (name, cores, versions)
        (self.flopsPerSecond, self.bf16FlopsPerSecond) = (flopsPerSecond, bf16FlopsPerSecond)
    }

    /// The ceiling of products in a precision. One product in bf16x3 is three in bf16.
    func flopsPerSecond(in precision: Precision) -> Double {
        switch precision.rawValue {
        case "bf16": bf16FlopsPerSecond
        case "bf16x3": bf16FlopsPerSecond / 3
        default: flopsPerSecond
        }
    }
}
