import GraphIR

/// One named transformation of a graph.
///
/// A pass keeps the meaning of the graph: the same inputs give the same outputs and updates, up to the
/// rounding that the pass documents. Names drive disabling, stopping, dumping and timing.
public struct Pass: Sendable {
    public let name: String
    /// Transforms the graph and says whether it changed anything; a graph that did not change is not verified
    /// again.
    public let run: @Sendable (inout Graph, PassContext) throws(IRError) -> Bool

    public init(_ name: String, run: @escaping @Sendable (inout Graph) throws(IRError) -> Bool) {
        self.init(name) { (graph: inout Graph, _) throws(IRError) in try run(&graph) }
    }

    /// A pass that weighs costs or explains its decisions.
    public init(_ name: String, run: @escaping @Sendable (inout Graph, PassContext) throws(IRError) -> Bool) {
        self.name = name
        self.run = run
    }
}

/// What a pass may ask and tell besides the graph.
public struct PassContext: Sendable {
    public var costModel: CostModel
    /// Called with every fusion candidate, in the order of the decisions.
    public var explain: (@Sendable (FusionDecision) -> Void)?
    /// Called with every group of layers that is computed again, from the first to the last.
    public var explainRecompute: (@Sendable (RecomputeDecision) -> Void)?

    public init(
        costModel: CostModel = CostModel(), explain: (@Sendable (FusionDecision) -> Void)? = nil,
        explainRecompute: (@Sendable (RecomputeDecision) -> Void)? = nil
    ) {
        self.costModel = costModel
        self.explain = explain
        self.explainRecompute = explainRecompute
    }
}
