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
        let order = parameters.indices.sorted { (-parameters[$0].count, $0) < (-parameters[$1].count, $1) }
        for parameter in order.map({ parameters[$0] }) {
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
        // A message has fewer bytes than MPI can count.
        let most = ExchangePlan.bucketByteCount / MemoryLayout<Float>.stride
        try start { transport in
            var transfers: [Transfer] = []
            for (owner, start, count) in arrays {
                for first in stride(from: 0, to: count, by: most) {
                    let bytes = UnsafeMutableRawBufferPointer(
                        UnsafeMutableBufferPointer(start: start + first, count: min(most, count - first)))
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
