import GraphIR

extension Pass {
    /// Computes equal expressions once: the first of several nodes with the same op, operands and types
    /// stands for all of them, under its own label.
    ///
    /// Dropout is no exception, since a mask is a function of seed, step, stream and element; nodes with
    /// different streams differ in an attribute. Inputs and parameters are identities, not expressions, and
    /// never merge.
    package static let commonSubexpressions = Pass("common-subexpressions") {
        (graph: inout Graph) throws(IRError) in
        var rewriter = GraphRewriter(graph)
        var known: [Expression: NodeID] = [:]
        var changed = false
        for id in graph.nodeIDs {
            let node = graph[id]
            let expression = Expression(op: node.op, operands: rewriter.operands(id), types: node.types)
            if node.op.traits.merges, let first = known[expression] {
                rewriter.replace(id, with: node.types.indices.map { Value(first, result: $0) })
                changed = true
            } else {
                if node.op.traits.merges { known[expression] = NodeID(rewriter.result.nodes.count) }
                try rewriter.copy(id)
            }
        }
        if changed { graph = rewriter.finish() }
        return changed
    }
}

/// What two nodes must share to compute the same values.
private struct Expression: Hashable {
    let op: Op
    let operands: [Value]
    let types: [TensorType]
}
