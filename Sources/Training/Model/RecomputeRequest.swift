import GraphCompiler

/// What a training step shall compute again, and what it is planned for.
package struct RecomputeRequest {
    package var recompute = Recompute.none
    /// Shapes of the batches that take most memory; without any nothing is planned, and `auto` is `none`.
    package var shapes: [[String: Int]] = []
    /// Bytes that the whole process may hold; `nil` is no limit.
    package var limit: Int?

    /// What compiling the step leaves behind, at most, about.
    private static let compilationByteCount = 32 << 20

    package init() {}

    /// The choice, with what it saves and costs; `nil` when nothing is computed again and nothing was asked for.
    ///
    /// - Parameter parameters: those of the model, which the process holds already.
    func plan(
        _ step: Graph, _ compiler: Compiler, _ parameters: ParameterStore
    ) throws -> Recomputation? {
        guard recompute != .none, !shapes.isEmpty else { return nil }
        ProcessMemory.releaseUnused()
        let held = parameters.mappedByteCount() + parameters.panelByteCount - parameters.untouchedByteCount
        let process = max(0, ProcessMemory.residentByteCount - held) + Self.compilationByteCount
        let fits = limit.map { limit in
            { (cost: RecomputeCost) in cost.run.total + cost.lastingByteCount + process <= limit }
        }
        return try compiler.recomputation(step, recompute, shapes: shapes, fits: fits)
    }
}
