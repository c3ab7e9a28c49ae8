import Foundation

/// The cores that a process may use, and which of them are the fast ones.
///
/// A core of which several processors are threads (SMT) has its arithmetic units once, so products gain little by a
/// second thread. Of a machine with cores of several kinds, only the fast ones are counted: a chunk of tasks that a
/// slow one takes holds up all others at the end of each loop.
struct ProcessorTopology: Equatable {
    /// Processors that are online.
    let online: Int
    /// Those of them that the process may use.
    let allowed: Int
    /// Those of them that belong to performance cores: all where there is one kind of core.
    let performance: Int
    /// The performance cores, as the processors of each that the process may use.
    let cores: [[Int]]

    /// - Parameters:
    ///   - mask: the processors that the process may use; `nil` when the system does not say.
    ///   - files: where the system's files are.
    init(mask: [Int]?, _ files: SystemFiles = SystemFiles()) {
        let cpus = "/sys/devices/system/cpu"
        let online = files.processors("\(cpus)/online") ?? mask ?? []
        let allowed = mask ?? online
        let fast = Self.performanceProcessors(among: allowed, files)
        var cores: [[Int]] = []
        var seen: Set<Int> = []
        for processor in fast where !seen.contains(processor) {
            let siblings = files.processors("\(cpus)/cpu\(processor)/topology/thread_siblings_list") ?? []
            let core = fast.filter { $0 == processor || siblings.contains($0) && !seen.contains($0) }
            seen.formUnion(core)
            cores.append(core)
        }
        self.online = max(online.count, allowed.count)
        self.allowed = allowed.count
        performance = fast.count
        self.cores = cores
    }

    /// The processors of performance cores: those that Intel's driver names, or else those with more than half of the
    /// largest capacity. All of `processors` if they are of one kind.
    private static func performanceProcessors(among processors: [Int], _ files: SystemFiles) -> [Int] {
        if let named = files.processors("/sys/devices/cpu_core/cpus") {
            let fast = processors.filter(Set(named).contains)
            return fast.isEmpty ? processors : fast
        }
        let capacities = processors.map { files.number("/sys/devices/system/cpu/cpu\($0)/cpu_capacity") ?? 0 }
        let most = capacities.max() ?? 0
        return zip(processors, capacities).filter { 2 * $1 > most || most == 0 }.map(\.0)
    }
}
