import Autodiff
import GraphIR

extension Pass {
    /// Gradient checkpointing: what the backward pass reads of a group of layers is computed again, from what crosses
    /// into the group, just before the first node that needs it.
    ///
    /// It comes after fusion and copies whole nodes, regions among them, so that copies run the same kernels on the same
    /// operands and every gradient keeps its bits; dropout's mask is a function of its stream. Nothing is merged back,
    /// because nothing merges nodes after it. Layers are found from the graph (`ForwardPass.layers`). Where they are cut
    /// is free within a layer: of the places at which least is handed on, that one is taken from which the fewest
    /// operations have to be done again. The last group is held as it is, since its backward pass comes at once.
    ///
    /// - Parameters:
    ///   - recompute: which layers make a group.
    ///   - loss: the output that ends the forward pass.
    package static func recompute(_ recompute: Recompute, of loss: String = TrainingNames.loss) -> Pass {
        Pass("recompute") { (graph: inout Graph, context) throws(IRError) in
            guard let groupSize = recompute.groupSize else { return false }
            guard groupSize >= 1 else {
                throw IRError("recompute", "'\(recompute)' is not one of \(Recompute.legal)")
            }
            guard let forward = ForwardPass(graph, loss: loss), let layers = forward.layers() else {
                return false
            }
            let cuts = LayerCuts(forward, layers, context.costModel)
            var rewriter = RecomputeRewriter(forward, starts: cuts.groups(of: groupSize))
            guard try rewriter.rewrite() else { return false }
            for decision in rewriter.decisions(context.costModel) { context.explainRecompute?(decision) }
            graph = rewriter.rewriter.finish()
            _ = try Pass.deadCode.run(&graph, context)
            return true
        }
    }

    /// How many layers `recompute` finds in a graph that went through all passes before it; 0 when there are none.
    package static func layerCount(_ graph: Graph, of loss: String = TrainingNames.loss) -> Int {
        ForwardPass(graph, loss: loss)?.layers()?.count ?? 0
    }
}

/// Where layers are cut.
private struct LayerCuts {
    /// The first nodes of the layers; what is computed before the first of them is part of its layer, unless that is
    /// where the layers begin.
    let starts: [NodeID]

    init(_ forward: ForwardPass, _ layers: ForwardPass.Layers, _ cost: CostModel) {
        func place(_ layer: Int, _ shift: Int) -> NodeID {
            forward.nodes[layers.range.lowerBound + layer * layers.length + shift]
        }
        // Any one layer says what the others cost; its end must be a node of the layers.
        let last = layers.range.count - layers.length
        let shifts = (0..<layers.length).filter { $0 < last }
        let handed = shifts.map { shift in
            forward.crossing(place(1, shift)).reduce(0) { $0 + cost.byteCount(forward.graph.type(of: $1)) }
        }
        let least = handed.min() ?? 0
        // Statistics of rows and the like do not decide.
        let eligible = shifts.filter { handed[$0] - least <= least / 16 }
        let work = eligible.map { shift in
            RecomputedNodes(forward, place(0, shift)..<place(1, shift)).ids
                .reduce(0) { $0 + cost.operationCount($1, of: forward.graph) }
        }
        let best = eligible.indices.min { (work[$0], $0) < (work[$1], $1) }.map { eligible[$0] } ?? 0
        var starts = stride(from: best, through: last, by: layers.length).map { place(0, $0) }
        if best > 0 { starts.insert(forward.nodes[0], at: 0) }
        self.starts = starts
    }

    /// The first nodes of groups of so many layers; the first group has what is left over.
    func groups(of count: Int) -> [NodeID] {
        let last = starts.count - count
        guard last > 0 else { return [] }
        var groups = stride(from: last, to: 0, by: -count).map { starts[$0] }
        groups.append(starts[0])
        return groups.reversed()
    }
}

/// The nodes of a stretch of the forward pass that run again for what the backward pass reads of them.
private struct RecomputedNodes {
    private(set) var ids: Set<NodeID> = []

    init(_ forward: ForwardPass, _ range: Range<NodeID>) {
        let graph = forward.graph
        var pending: [Value] = graph.nodeIDs.filter { $0 > forward.end }.flatMap { graph[$0].operands }
        while let value = pending.popLast() {
            guard forward.isRecomputed(value, range), ids.insert(value.node).inserted else { continue }
            pending += graph[value.node].operands
        }
    }
}

extension ForwardPass {
    /// Whether a value that the backward pass needs is computed again when a stretch of nodes hands on only what later
    /// nodes of the forward pass read anyway. A node of which any result is held does not run again.
    fileprivate func isRecomputed(_ value: Value, _ range: Range<NodeID>) -> Bool {
        guard range.contains(value.node) else { return false }
        let node = graph[value.node]
        let results = node.types.indices.map { Value(value.node, result: $0) }
        return !node.isSource && node.types.allSatisfy(\.isActivation)
            && !results.contains { crosses($0, range.upperBound) || roots.contains($0) }
    }
}

/// Writes the graph with the copies.
private struct RecomputeRewriter {
    private let forward: ForwardPass
    /// Stretches of the forward pass of which only what crosses their ends is held.
    private let groups: [Range<NodeID>]
    private(set) var rewriter: GraphRewriter
    /// The copy of each node that runs again.
    private var copies: [NodeID: NodeID] = [:]
    /// The backward node for which a group's first copy was made.
    private var readers: [Int: NodeID] = [:]

    /// - Parameter starts: the first nodes of the groups, the one that is held as it is included.
    init(_ forward: ForwardPass, starts: [NodeID]) {
        self.forward = forward
        groups = zip(starts, starts.dropFirst()).map { $0..<$1 }
        rewriter = GraphRewriter(forward.graph)
    }

    /// - Returns: whether anything is computed again.
    mutating func rewrite() throws(IRError) -> Bool {
        for id in forward.graph.nodeIDs {
            guard id > forward.end else {
                try rewriter.copy(id)
                continue
            }
            let node = forward.graph[id]
            var operands: [Value] = []
            for operand in node.operands { operands.append(try value(operand, for: id)) }
            let new = try rewriter.emit(node.op, operands, label: node.label).node
            rewriter.replace(id, with: node.types.indices.map { Value(new, result: $0) })
        }
        return !copies.isEmpty
    }

    /// What stands for an old value in the backward pass; its node is copied when it has no copy yet.
    private mutating func value(_ old: Value, for reader: NodeID) throws(IRError) -> Value {
        guard let group = groups.firstIndex(where: { forward.isRecomputed(old, $0) }) else {
            return rewriter.replacement(old)
        }
        if let copy = copies[old.node] { return Value(copy, result: old.result) }
        if readers[group] == nil { readers[group] = reader }
        let node = forward.graph[old.node]
        var operands: [Value] = []
        for operand in node.operands { operands.append(try value(operand, for: reader)) }
        let copy = try rewriter.emit(node.op, operands, label: node.label).node
        copies[old.node] = copy
        return Value(copy, result: old.result)
    }

    // MARK: What was decided

    func decisions(_ cost: CostModel) -> [RecomputeDecision] {
        let graph = forward.graph
        let read = Set(graph.nodeIDs.filter { $0 > forward.end }.flatMap { graph[$0].operands })
        let values = Set(copies.keys.flatMap { graph[$0].operands })
        return groups.indices.compactMap { group in
            let nodes = copies.keys.filter(groups[group].contains).sorted()
            guard let first = nodes.first, let last = nodes.last, let reader = readers[group] else {
                return nil
            }
            func bytes(_ values: Set<Value>) -> Int {
                values.filter {
                    groups[group].contains($0.node) && !graph[$0.node].isView
                        && graph.type(of: $0).isActivation
                }.reduce(0) { $0 + cost.byteCount(graph.type(of: $1)) }
            }
            let held = read.union(values).filter { copies[$0.node] == nil }
            return RecomputeDecision(
                first: FusionDecision.Site(graph[first]), last: FusionDecision.Site(graph[last]),
                reader: FusionDecision.Site(graph[reader]),
                nodes: nodes.filter { !graph[$0].isView }.map { graph[$0].kernelName },
                bytesBefore: bytes(Set(read.map(graph.viewed))), bytesHeld: bytes(held),
                operations: nodes.reduce(0) { $0 + cost.operationCount($1, of: graph) })
        }
    }
}

extension Node {
    /// Whether the result is the operand's memory.
    fileprivate var isView: Bool { if case .shape(.reshape) = op { true } else { false } }

    fileprivate var kernelName: String {
        if case .fusion(let region) = op { region.name } else { op.mnemonic }
    }
}

extension Graph {
    /// The value whose memory a value is.
    fileprivate func viewed(_ value: Value) -> Value {
        self[value.node].isView ? viewed(self[value.node].operands[0]) : value
    }
}
