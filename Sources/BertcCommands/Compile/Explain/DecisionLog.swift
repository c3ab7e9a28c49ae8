import GraphCompiler
import Synchronization

/// Collects what the passes of one compilation decide about fusion.
final class DecisionLog: Sendable {
    private let list = Mutex<[FusionDecision]>([])

    var decisions: [FusionDecision] { list.withLock { $0 } }

    func add(_ decision: FusionDecision) { list.withLock { $0.append(decision) } }
}
