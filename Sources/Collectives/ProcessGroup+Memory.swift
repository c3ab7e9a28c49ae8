extension ProcessGroup {
    /// Whether the processes of a group can have memory in common.
    struct MemorySharing: Sendable {
        var isPossible = false
        /// Why not, where they are on one machine.
        var problem: String?

        /// Tries it. All processes call this.
        ///
        /// - Parameter isWanted: whether this process would have it.
        init(host: String, isWanted: Bool, through transport: any Transport) throws(GroupError) {
            guard transport.size > 1 else { return }
            let hosts = try transport.allGather([UInt8]((isWanted ? host : "").utf8))
            guard !hosts[0].isEmpty, hosts.allSatisfy({ $0 == hosts[0] }) else { return }
            switch try SharedMemory.ofAll(1, through: transport) {
            case .success: isPossible = true
            case .failure(let error):
                problem =
                    "the processes of this machine send one another messages, which takes longer than sharing memory: "
                    + "\(error)"
            }
        }
    }

    /// Memory that all processes have in common, which all ask for with the same size.
    ///
    /// - Throws: `GroupError` on all where one can't have it.
    package func sharedMemory(byteCount: Int) throws -> SharedMemory {
        try start { try SharedMemory.ofAll(byteCount, through: $0).get() }.value()
    }
}
