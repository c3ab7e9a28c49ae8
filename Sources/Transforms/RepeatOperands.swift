import GraphIR

extension Pass {
    /// f(a, b) = f(broadcast(a), broadcast(b)) for a function of elements whose operands repeat along more groups of axes than a
    /// kernel has loops. Everything else repeats its operands as it reads them.
    package static let repeatOperands = Pass("repeat-operands") { (graph: inout Graph) throws(IRError) in
        var rewriter = GraphRewriter(graph)
        var changed = false
        for id in graph.nodeIDs {
            let node = graph[id]
            guard case .elementwise = node.op, let shape = node.types.first?.shape,
                axisGroups(shape, node.operands.map(graph.type(of:)) + node.types, columnAxis: nil) == nil
            else {
                try rewriter.copy(id)
                continue
            }
            var operands = rewriter.operands(id)
            for (place, operand) in operands.enumerated() where rewriter.type(of: operand).shape != shape {
                operands[place] = try rewriter.emit(.broadcast(shape), [operand], label: node.label)
            }
            rewriter.replace(id, with: [try rewriter.emit(node.op, operands, label: node.label)])
            changed = true
        }
        if changed { graph = rewriter.finish() }
        return changed
    }
}
