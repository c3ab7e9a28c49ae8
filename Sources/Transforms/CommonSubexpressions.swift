import GraphIR

extension Pass {
    /// Computes equal expressions once: the first of several nodes with the same op, operands and types
    /// stands for all of them, under its own label.
    ///
    /// Dropout is no exception, since a mask is a function of seed, step, stream and element; nodes with
    /// different streams differ in an attribute. Inputs and parameters are identities, not expressions, and
    /// never merge.
    public static let commonSubexpressions = Pass("common-subexpressions") {
        (graph: inout Graph) throws(IRError) in
        var rewriter = GraphRewriter(graph)
        var known: [Expression: NodeID] = [:]
        var changed = false
        for id in graph.nodeIDs {
            let node = graph[id]
            let expression = Expression(op: node.op, operands: rewriter.operands(id), types: node.types)
            if expression.mayMerge, let first = known[expression] {
                rewriter.replace(id, with: node.types.indices.map { Value(first, result: $0) })
                changed = true
            } else {
                if expression.mayMerge { known[expression] = NodeID(rewriter.result.nodes.count) }
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

    var mayMerge: Bool {
        switch op {
        case .input, .parameter: false
        // Double says -0 == 0, but 1 / -0 is not 1 / 0.
        case .constant(.splat(let value), _): !(value == 0 && value.sign == .minus)
        case .constant(.dense(let values), _): !values.contains { $0 == 0 && $0.sign == .minus }
        case .iota, .dimensionSize, .unary, .unaryGradient, .binary, .compare, .select, .cast, .dropout,
            .reduce,
            .broadcast, .reshape, .transpose, .slice, .concatenate, .matmul, .raggedMatmul, .softmax,
            .softmaxGradient, .layerNorm, .layerNormGradient, .rowStatistics, .normalize, .flashAttention,
            .flashAttentionGradient, .crossEntropy, .crossEntropyGradient, .gather, .scatterAdd, .coalesce,
            .segmentSum,
            .segmentBroadcast, .adamW, .fusion, .custom:
            true
        }
    }
}
