import GraphIR

/// One named transformation of a graph.
///
/// A pass keeps the meaning of the graph: the same inputs give the same outputs and updates, up to the
/// rounding that the pass documents. Names drive disabling, stopping, dumping and timing.
public struct Pass: Sendable {
    /// What disables, stops, dumps and times it.
    public let name: String
    /// Transforms the graph and says whether it changed anything; a graph that did not change is not verified
    /// again.
    package let run: @Sendable (inout Graph, PassContext) throws(IRError) -> Bool

    package init(_ name: String, run: @escaping @Sendable (inout Graph) throws(IRError) -> Bool) {
        self.init(name) { (graph: inout Graph, _) throws(IRError) in try run(&graph) }
    }

    /// A pass that weighs costs or explains its decisions.
    package init(_ name: String, run: @escaping @Sendable (inout Graph, PassContext) throws(IRError) -> Bool)
    {
        self.name = name
        self.run = run
    }
}

/// What a pass may ask and tell besides the graph.
public struct PassContext: Sendable {
    /// What bytes and operations cost.
    package var costModel: CostModel
    /// Called with every fusion candidate, in the order of the decisions.
    public var explain: (@Sendable (FusionDecision) -> Void)?
    /// Called with every group of layers that is computed again, from the first to the last.
    public var explainRecompute: (@Sendable (RecomputeDecision) -> Void)?

    /// Decisions with nominal costs.
    ///
    /// - Parameters:
    ///   - explain: called with every fusion candidate.
    ///   - explainRecompute: called with every group of layers that is computed again.
    public init(
        explain: (@Sendable (FusionDecision) -> Void)? = nil,
        explainRecompute: (@Sendable (RecomputeDecision) -> Void)? = nil
    ) {
        self.init(costModel: CostModel(), explain: explain, explainRecompute: explainRecompute)
    }

    package init(
        costModel: CostModel, explain: (@Sendable (FusionDecision) -> Void)? = nil,
        explainRecompute: (@Sendable (RecomputeDecision) -> Void)? = nil
    ) {
        self.costModel = costModel
        self.explain = explain
        self.explainRecompute = explainRecompute
    }
}
