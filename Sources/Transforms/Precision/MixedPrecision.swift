import GraphIR

extension Pass {
    /// Automatic mixed precision (Micikevicius et al., "Mixed Precision Training", arXiv:1710.03740): products and
    /// attention read operands of `element`; everything else stays f32, the parameters themselves among it.
    ///
    /// What is kept for later is kept in low precision too: where several nodes read the value of a linear layer (a
    /// product, products added up, plus a bias) it is rounded. A single reader runs in the same kernel or rounds it
    /// itself. Gradients of parameters and narrow results are never rounded.
    static func mixedPrecision(_ element: ElementType) -> Pass {
        Pass("mixed-precision") { (graph: inout Graph) throws(IRError) in
            let kept = LinearValues(graph).kept
            var rewriter = GraphRewriter(graph)
            var changed = false
            for id in graph.nodeIDs {
                let node = graph[id]
                var operands = rewriter.operands(id)
                for (position, value) in operands.enumerated()
                where node.op.traits.lowPrecision.contains(position)
                    && rewriter.type(of: value).element == .f32
                {
                    operands[position] = try rewriter.emit(.cast(element), [value], label: node.label)
                    changed = true
                }
                let first = try rewriter.emit(node.op, operands, label: node.label)
                var results: [Value] = []
                for (index, type) in node.types.enumerated() {
                    var value = Value(first.node, result: index)
                    if kept.contains(Value(id, result: index)) {
                        value = try rewriter.emit(.cast(element), [value], label: node.label)
                        changed = true
                    }
                    if rewriter.type(of: value) != type {
                        value = try rewriter.emit(.cast(type.element), [value], label: node.label)
                    }
                    results.append(value)
                }
                rewriter.replace(id, with: results)
            }
            if changed { graph = rewriter.finish() }
            return changed
        }
    }
}

/// The values of linear layers: products, what they add up to, and that plus a bias.
private struct LinearValues {
    /// Results with fewer columns cost nothing to keep in f32.
    private static let narrowColumns = 64

    /// Activations among them that several nodes read.
    let kept: Set<Value>

    init(_ graph: Graph) {
        let uses = graph.useCounts()
        var linear: Set<Value> = []
        for id in graph.nodeIDs {
            let node = graph[id]
            if case .contraction(.matmul) = node.op {
                linear.insert(Value(id))
            } else if case .elementwise(.binary(.add)) = node.op {
                let terms = node.operands.map { linear.contains($0) && uses[$0] == 1 }
                // The other operand of a bias' addition is repeated along the rows.
                let isBias = node.operands.contains { graph.type(of: $0).shape != node.types[0].shape }
                if terms == [true, true] || terms.contains(true) && isBias { linear.insert(Value(id)) }
            }
        }
        kept = linear.filter { value in
            let type = graph.type(of: value)
            guard type.element == .f32, uses[value, default: 0] > 1 else { return false }
            let isActivation = type.shape.contains { $0.fixedExtent == nil }
            return isActivation && type.shape.last?.fixedExtent ?? 0 >= Self.narrowColumns
        }
    }
}
