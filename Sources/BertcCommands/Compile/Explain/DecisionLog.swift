import GraphCompiler
import Synchronization

/// Collects what the passes of one compilation decide about fusion and recomputation.
final class DecisionLog: Sendable {
    private let list = Mutex<[FusionDecision]>([])

    private let groups = Mutex<[RecomputeDecision]>([])

    var decisions: [FusionDecision] { list.withLock { $0 } }

    /// Groups of layers that are computed again.
    var recomputed: [RecomputeDecision] { groups.withLock { $0 } }

    func add(_ decision: FusionDecision) { list.withLock { $0.append(decision) } }

    func add(_ decision: RecomputeDecision) { groups.withLock { $0.append(decision) } }
}
