import GraphIR

extension FusionGroups {
    /// Merges kernels that read the same and run over the same shape: products that share an operand, and row
    /// kernels with whoever else reads their operand.
    mutating func fuseHorizontally(_ context: PassContext) {
        for source in graph.nodes.indices {
            for result in node(source).types.indices {
                mergeReaders(of: Value(NodeID(source), result: result), context)
            }
        }
    }

    /// Merges small kernels that have nothing to do with each other but run over the same fixed shape: the updates
    /// of many biases, say. What they save is not traffic but the start of a kernel.
    mutating func batchSmallKernels(_ context: PassContext) {
        var open: [[Dimension]: Int] = [:]
        for number in groups.indices {
            let group = groups[number]
            guard group.isOpen, group.anchors.isEmpty, let first = group.members.min(), !group.shape.isEmpty,
                group.shape.allSatisfy({ $0.fixedExtent != nil }),
                context.costModel.elementCount(TensorType(.f32, group.shape)) <= FusionLimits.smallElements
            else { continue }
            guard let partner = open[group.shape], groups[partner].members.count <= FusionLimits.batchedNodes,
                mergeObstacle(number, partner, context.costModel) == nil
            else {
                open[group.shape] = number
                continue
            }
            context.explain?(
                FusionDecision(
                    pattern: "\(name(partner)) | \(name(number))",
                    producer: site(groups[partner].members.min() ?? first), consumer: site(first),
                    isFused: true,
                    reason: "both are small and of one shape: one kernel starts instead of two", bytesSaved: 0
                ))
            merge(number, into: partner)
        }
    }

    private mutating func mergeReaders(of value: Value, _ context: PassContext) {
        let type = graph.type(of: value)
        guard type.rank >= 1, readers[value.node.index].count > 1 else { return }
        var kept: [Int] = []
        for reader in outsideReaders(value) where groups[reader].isOpen {
            let partner = kept.suffix(FusionLimits.partners).first { candidate in
                canShare(value, candidate, reader)
                    && explained(value, candidate, reader, context)
            }
            if let partner { merge(reader, into: partner) } else { kept.append(reader) }
        }
    }

    /// Whether reading `value` once for both groups is worth a look: products that share an operand, or groups
    /// that run over its elements.
    private func canShare(_ value: Value, _ a: Int, _ b: Int) -> Bool {
        guard groups[a].shape == groups[b].shape else { return false }
        let isOperand = [a, b].map { group in
            groups[group].anchors.contains { node($0).operands.contains(value) }
        }
        if isOperand[0], isOperand[1] { return shareSide(value, a, b) }
        // A product's kernel and one of rows over the same elements, or two of rows.
        let hasProducts = [a, b].map { !groups[$0].anchors.isEmpty }
        return graph.type(of: value).shape == groups[a].shape && !(hasProducts[0] && hasProducts[1])
    }

    /// Whether the products of two groups have `value` on the same side, in the same orientation.
    private func shareSide(_ value: Value, _ a: Int, _ b: Int) -> Bool {
        func sides(_ group: Int) -> Set<[Bool]> {
            var sides: Set<[Bool]> = []
            for anchor in groups[group].anchors {
                guard case .contraction(.matmul(let left, let right)) = node(anchor).op else { continue }
                if node(anchor).operands[0] == value { sides.insert([true, left]) }
                if node(anchor).operands[1] == value { sides.insert([false, right]) }
            }
            return sides
        }
        return sides(a) == sides(b)
    }

    private func explained(_ value: Value, _ a: Int, _ b: Int, _ context: PassContext) -> Bool {
        let obstacle = mergeObstacle(a, b, context.costModel)
        guard let explain = context.explain else { return obstacle == nil }
        guard let first = groups[a].members.max(), let second = groups[b].members.max() else { return false }
        explain(
            FusionDecision(
                pattern: "\(name(a)) | \(name(b))", producer: site(first), consumer: site(second),
                isFused: obstacle == nil,
                reason: obstacle ?? "both read the same value: \(node(value.node.index).fusionName)",
                bytesSaved: context.costModel.byteCount(graph.type(of: value))))
        return obstacle == nil
    }
}
