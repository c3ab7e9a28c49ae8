import GraphIR

extension FusionGroups {
    /// Computes cheap values again where they are read, rather than storing them, when all of their readers can:
    /// LayerNorm's normalisation in the products that read it, say.
    mutating func recompute(_ context: PassContext) {
        indexClones()
        for index in graph.nodes.indices.reversed() where kinds[index] == .map {
            guard let group = home[index], node(index).types.count == 1 else { continue }
            consider(Value(NodeID(index)), group, context)
        }
    }

    private mutating func consider(_ value: Value, _ group: Int, _ context: PassContext) {
        let outside = outsideReaders(value)
        let type = graph.type(of: value)
        guard !outside.isEmpty, !roots.contains(value), type.shape == groups[group].shape, type.rank >= 1
        else {
            return
        }
        var cone = cone(value.node.index, group)
        var saving = saving(value, cone, group, outside, context.costModel)
        if saving.obstacle != nil, widens(value.node.index) {
            // The narrow value is stored instead, and each reader widens it.
            cone = [value.node.index]
            saving = self.saving(value, cone, group, outside, context.costModel)
        }
        let obstacle = outside.compactMap { cloneObstacle(value, cone, $0) }.first ?? saving.obstacle
        for reader in outside {
            context.explain?(
                FusionDecision(
                    pattern: "\(node(value.node.index).fusionName)+\(name(reader))",
                    producer: site(value.node.index),
                    consumer: site(groups[reader].anchors.first ?? groups[reader].members.min() ?? 0),
                    isFused: obstacle == nil,
                    reason: obstacle ?? "computed again where it is read, which costs less than storing it",
                    bytesSaved: saving.bytes / outside.count))
        }
        guard obstacle == nil else { return }
        for reader in outside { addClones(cone, to: reader) }
        removeUnneeded(cone, from: group)
    }

    /// Whether a node does nothing but make a wider value of a narrow one.
    private func widens(_ index: Int) -> Bool {
        guard case .elementwise(.cast(let element)) = node(index).op else { return false }
        return graph.type(of: node(index).operands[0]).element.byteCount < element.byteCount
    }

    /// The nodes of the group that compute a value from what is in memory anyway: itself, and element-wise
    /// operands that are not stored.
    private func cone(_ index: Int, _ group: Int) -> Set<Int> {
        var cone: Set<Int> = [index]
        var pending = [index]
        while let next = pending.popLast() {
            for operand in node(next).operands {
                let other = operand.node.index
                guard contains(group, other), !isStored(operand) || other == index, kinds[other] == .map,
                    cone.insert(other).inserted
                else { continue }
                pending.append(other)
            }
        }
        return cone
    }

    /// Operands that a cone reads from memory.
    private func leaves(_ cone: Set<Int>) -> Set<Value> {
        var leaves: Set<Value> = []
        for index in cone {
            for operand in node(index).operands
            where !cone.contains(operand.node.index) && kinds[operand.node.index] != .free {
                leaves.insert(operand)
            }
        }
        return leaves
    }

    /// Bytes that are not moved when every reader computes the value, and why that is not worth it.
    private func saving(
        _ value: Value, _ cone: Set<Int>, _ group: Int, _ outside: [Int], _ cost: CostModel
    ) -> (bytes: Int, obstacle: String?) {
        var bytes = cost.byteCount(graph.type(of: value)) * (1 + outside.count)
        let leaves = leaves(cone)
        for reader in outside {
            for leaf in leaves where groups[reader].reads[leaf] == nil {
                bytes -= cost.byteCount(graph.type(of: leaf))
            }
        }
        for leaf in leaves where home[leaf.node.index] == group && !isStored(leaf) {
            bytes -= cost.byteCount(graph.type(of: leaf))
        }
        let isNeededHere = readers[value.node.index].contains { contains(group, $0) }
        let times = outside.count - (isNeededHere ? 0 : 1)
        let operations = cone.reduce(0) { $0 + node($1).operationCount }
        let work = times * operations * cost.elementCount(graph.type(of: value))
        guard Double(bytes) / cost.rates.bytesPerSecond > Double(work) / cost.rates.operationsPerSecond else {
            return (
                bytes,
                bytes <= 0
                    ? "computing it again reads at least as many bytes as storing it moves"
                    : "computing it again takes longer than reading: \(times) x \(operations) operations an element"
            )
        }
        return (bytes, nil)
    }

    /// Why a reader can't compute the value itself.
    private func cloneObstacle(_ value: Value, _ cone: Set<Int>, _ reader: Int) -> String? {
        let group = groups[reader]
        guard group.isOpen else { return "a reader takes its operands from memory: \(name(reader))" }
        if let reason = Self.sizeObstacle(group.size + cone.count, group.reductions) { return reason }
        let types = (group.readTypes + leaves(cone).map(graph.type(of:))).filter {
            broadcasts($0.shape, to: group.shape)
        }
        guard axisGroups(group.shape, types, columnAxis: group.columnAxis) != nil else {
            return "its operands repeat along more groups of axes than a reader's kernel has loops"
        }
        if let obstacle = addressObstacle(value, reader) { return obstacle }
        let type = graph.type(of: value)
        var isProductOperand = false
        for anchor in group.anchors {
            guard case .contraction(.matmul(let transposeLeft, let transposeRight)) = node(anchor).op else {
                continue
            }
            for (position, operand) in node(anchor).operands.enumerated() where operand == value {
                guard !(position == 0 ? transposeLeft : transposeRight) else {
                    return "a reader reads it transposed: \(name(reader))"
                }
                isProductOperand = true
            }
        }
        let isElement = readers[value.node.index].contains { index in
            contains(reader, index) && !group.anchors.contains(index)
        }
        let axis = columnAxis(value.node.index) ?? groups[home[value.node.index] ?? reader].columnAxis
        if isProductOperand, let axis, axis != type.rank - 1 {
            return "its rows end at another axis than a reader's"
        }
        if isElement, group.rowShape == type.shape { return nil }
        if isElement, group.shape != type.shape { return "a reader runs over another shape: \(name(reader))" }
        if isElement, let axis, let other = group.columnAxis, axis != other {
            return "its rows end at another axis than a reader's"
        }
        return nil
    }

    /// A value that is read by address must be in memory.
    private func addressObstacle(_ value: Value, _ reader: Int) -> String? {
        for index in readers[value.node.index] where contains(reader, index) {
            for (position, operand) in node(index).operands.enumerated()
            where operand == value && node(index).op.traits.byAddress.contains(position) {
                return "a reader reads it by address: \(node(index).fusionName)"
            }
        }
        return nil
    }

    /// Takes nodes out of their group that nothing in it needs any more.
    private mutating func removeUnneeded(_ cone: Set<Int>, from group: Int) {
        for index in cone.sorted(by: >) {
            let isRead = readers[index].contains { contains(group, $0) }
            let isStored = node(index).types.indices.contains {
                self.isStored(Value(NodeID(index), result: $0))
            }
            if !isRead, !isStored { remove(index) }
        }
    }
}

extension Node {
    /// Vector operations per element, about: what computing the node once more costs.
    fileprivate var operationCount: Int {
        switch op.traits.work {
        case .elements(let operations): operations
        case .none, .products, .attention: 10
        }
    }
}
