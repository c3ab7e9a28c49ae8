import KernelIR

extension Program {
    /// The memory that values and working buffers take during one run, as planned for `symbols`.
    ///
    /// - Precondition: `symbols` has every symbol of the graph.
    /// - Returns: the arena's bytes, and the node at which most of it is live (`nil` when nothing runs).
    public func arena(_ symbols: [String: Int]) -> (byteCount: Int, peakNode: String?) {
        let schedule = Schedule(self)
        let plan = MemoryPlan(program: self, schedule: schedule, symbols: symbols)
        let peak =
            schedule.launches.indices.contains(plan.peakLaunch) ? schedule.launches[plan.peakLaunch] : nil
        return (plan.byteCount, peak.map { graph.place($0.node) })
    }
}
