import GraphIR

extension Pass {
    /// Puts nodes that can share a kernel into regions.
    ///
    /// A region has at most one kind of anchor: products of matrices of one shape, or none. In front of a product
    /// stand row-wise computations of its left operand and element-wise ones of its right operand; behind it
    /// whatever runs over its result, row reductions and sums over rows included. Nothing depends on what a model
    /// is called or how its parts are arranged; the steps are:
    ///
    /// 1. Norms become their statistics and `normalize`, which may go to different kernels; a product of which
    ///    element-wise ops read slices of columns becomes one product for each slice.
    /// 2. Vertically: each node joins the kernel of an operand, if shapes, cycles and the cache allow.
    /// 3. Horizontally: kernels over the same shape that read the same value become one.
    /// 4. Values that cost less to compute again than to store and read move into their readers.
    /// 5. What only the left operand of a product needs moves into its kernel.
    /// 6. Small kernels of one fixed shape run as one.
    ///
    /// Rounding: values inside a region are not rounded to their element type.
    public static let fusion = Pass("fusion") { (graph: inout Graph, context) throws(IRError) in
        var groups = FusionGroups(try ColumnRanges(try splittingNorms(graph), context).split())
        groups.fuseVertically(context)
        groups.fuseHorizontally(context)
        groups.recompute(context)
        groups.absorbPrologues(context)
        groups.batchSmallKernels(context)
        guard groups.groups.contains(where: { $0.members.count + $0.clones.count > 1 }) else { return false }
        graph = try RegionWriter(groups).write()
        return true
    }
}

/// The graph with each norm in its two halves.
private func splittingNorms(_ graph: Graph) throws(IRError) -> Graph {
    var rewriter = GraphRewriter(graph)
    for id in graph.nodeIDs {
        guard case .normalisation(.norm(let norm, let epsilon)) = graph[id].op else {
            try rewriter.copy(id)
            continue
        }
        let operands = rewriter.operands(id)
        let label = graph[id].label
        let first = try rewriter.emit(.rowStatistics(norm, epsilon: epsilon), [operands[0]], label: label)
        let statistics = (1..<graph[id].types.count).map { Value(first.node, result: $0 - 1) }
        let y = try rewriter.emit(
            .normalize(norm), [operands[0]] + statistics + operands.dropFirst(), label: label)
        rewriter.replace(id, with: [y] + statistics)
    }
    return rewriter.finish()
}
