/// The processors of one process among several on a machine, each of which may use all.
package enum ProcessorShare {
    /// What the process may run on, as text; the same for two processes that would share processors.
    package static var ofProcess: String {
        (ProcessorSet.ofCallingThread?.processors ?? []).map(String.init).joined(separator: ",")
    }

    /// Lets the calling thread, and those that it starts from now on, run on its share of the cores only: as many as the others
    /// have, or one core of several where there are fewer cores than processes.
    package static func take(_ index: Int, of count: Int) {
        guard let mask = ProcessorSet.ofCallingThread else { return }
        let cores = ProcessorTopology(mask: mask.processors).cores
        ProcessorSet(share(of: cores, index, count).flatMap(\.self)).applyToCallingThread()
    }

    /// The cores of a share.
    static func share(of cores: [[Int]], _ index: Int, _ count: Int) -> [[Int]] {
        guard !cores.isEmpty else { return [] }
        guard cores.count > count else { return [cores[index % cores.count]] }
        return Array(cores[(cores.count * index / count)..<(cores.count * (index + 1) / count)])
    }
}
