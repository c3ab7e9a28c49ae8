/// Which process updates which parameter, where each keeps the optimiser's states of its own parameters only (ZeRO's first stage,
/// Rajbhandari et al., arXiv:1910.02054). Parameters stay whole, so that norms of gradients are summed as one process sums them.
package struct ParameterShares: Sendable {
    /// The rank of each parameter's owner.
    package let owners: [String: Int]
    package let size: Int

    /// The largest parameter first, each to the process that has least.
    package init(_ parameters: [(name: String, count: Int)], size: Int) {
        var loads = [Int](repeating: 0, count: size)
        var owners: [String: Int] = [:]
        for (_, parameter) in parameters.enumerated().sorted(by: {
            ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
        }) {
            let owner = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
            owners[parameter.name] = owner
            loads[owner] += parameter.count
        }
        self.owners = owners
        self.size = size
    }

    /// The parameters of a process.
    package func names(of rank: Int) -> Set<String> { Set(owners.filter { $0.value == rank }.keys) }
}

extension ProcessGroup {
    /// Gives all processes what the owner of each array has.
    ///
    /// - Parameter arrays: the same everywhere, but for where they lie.
    package func distribute(_ arrays: [(owner: Int, start: UnsafeMutablePointer<Float>, count: Int)]) throws {
        nonisolated(unsafe) let arrays = arrays
        try start { transport in
            var transfers: [Transfer] = []
            for (owner, start, count) in arrays {
                // In messages of a megabyte, some of which travel while others are agreed on.
                for first in stride(from: 0, to: count, by: 256 << 10) {
                    let bytes = UnsafeMutableRawBufferPointer(
                        start: start + first, count: min(256 << 10, count - first) * 4)
                    if owner != transport.rank {
                        transfers.append(try transport.receive(into: bytes, from: owner, on: .distribution))
                        continue
                    }
                    for other in 0..<transport.size where other != owner {
                        transfers.append(
                            try transport.send(UnsafeRawBufferPointer(bytes), to: other, on: .distribution))
                    }
                }
            }
            try transport.wait(transfers)
        }.value()
    }
}
