import GraphIR

extension FusionGroups {
    /// Lets each node join the kernel that makes what it reads, in graph order; products and nodes that can't
    /// join open a group.
    mutating func fuseVertically(_ context: PassContext) {
        for index in graph.nodes.indices {
            switch kinds[index] {
            case .free: continue
            case .opaque:
                if !node(index).isSource { open(index) }
            case .contraction: open(index)
            case .map, .row, .crossRow: place(index, context)
            }
        }
    }

    /// Finds the group for one node among those of its operands.
    private mutating func place(_ index: Int, _ context: PassContext) {
        var candidates: [Int] = []
        for operand in node(index).operands {
            guard let group = home[operand.node.index], groups[group].isOpen, !candidates.contains(group)
            else {
                continue
            }
            candidates.append(group)
        }
        // The one that comes last can't depend on the node's other operands by way of itself.
        candidates.sort { groups[$0].last > groups[$1].last }
        var target: Int?
        for group in candidates {
            let obstacle =
                target.map { waitObstacle(group) ?? mergeObstacle(group, $0, context.costModel) }
                ?? joinObstacle(index, group, context.costModel)
            explain(index, group, obstacle, context)
            guard obstacle == nil else { continue }
            if let target {
                merge(group, into: target)
            } else {
                join(index, group)
                target = group
            }
        }
        if target == nil { open(index) }
    }

    private func explain(_ index: Int, _ group: Int, _ obstacle: String?, _ context: PassContext) {
        guard let explain = context.explain else { return }
        let read = node(index).operands.filter { home[$0.node.index] == group }
        guard let first = read.first else { return }
        let bytes = Set(read).reduce(0) { $0 + context.costModel.byteCount(graph.type(of: $1)) }
        explain(
            FusionDecision(
                pattern: "\(part(first.node.index, group))+\(part(index, group))",
                producer: site(first.node.index),
                consumer: site(index), isFused: obstacle == nil,
                reason: obstacle ?? "runs in the kernel that makes its operand", bytesSaved: 2 * bytes))
    }

    // MARK: What stands in the way

    /// Why a node can't run in a group; `nil` when it can.
    private func joinObstacle(_ index: Int, _ number: Int, _ cost: CostModel) -> String? {
        let group = groups[number]
        let own = shape(index)
        let axis = columnAxis(index)
        if isParameterStep[index], !group.isOptimizerStep {
            return "it changes a parameter, so all that read the parameter must have run"
        }
        guard own == group.shape || own == group.rowShape else {
            return "they run over different shapes: \(text(own)) and \(text(group.shape))"
        }
        if own == group.shape, let axis, let other = group.columnAxis, axis != other {
            return "their rows end at different axes"
        }
        if own != group.shape, axis != nil || !isPerRow(index) {
            return "it runs along one value a row of the kernel and needs rows there itself"
        }
        if own != group.shape,
            operandTypes(index).contains(where: { rowRepetition($0.shape, over: own) == nil })
        {
            return "an operand repeats over rows in a way that no kernel has"
        }
        if node(index).op.traits.dropoutStream != nil,
            own != node(index).types[0].shape || own != group.shape
        {
            return "\(node(index).op.mnemonic) counts elements in its own shape, which is not the kernel's"
        }
        if let reason = operandObstacle(index, number) { return reason }
        for operand in node(index).operands {
            guard let other = home[operand.node.index], other != number else { continue }
            if depends(other, on: number) {
                return "it also reads what must wait for the kernel: \(node(operand.node.index).fusionName)"
            }
        }
        let isReduction = if case .row = kinds[index] { true } else { false }
        if let reason = Self.sizeObstacle(group.size + 1, group.reductions + (isReduction ? 1 : 0)) {
            return reason
        }
        let types = group.readTypes + operandTypes(index) + node(index).types
        let fitting = types.filter { broadcasts($0.shape, to: group.shape) }
        guard axisGroups(group.shape, fitting, columnAxis: group.columnAxis ?? axis) != nil else {
            return "their operands repeat along more groups of axes than a kernel has loops"
        }
        return footprintObstacle(index, group, cost)
    }

    /// Whether a node that runs once a row of its group can: element by element, or summing over all rows.
    private func isPerRow(_ index: Int) -> Bool {
        switch kinds[index] {
        case .map, .crossRow: true
        case .free, .row, .contraction, .opaque: false
        }
    }

    /// Operands that must be in memory, and sums that are complete only when all rows are.
    private func operandObstacle(_ index: Int, _ number: Int) -> String? {
        let node = node(index)
        for (position, operand) in node.operands.enumerated() where home[operand.node.index] == number {
            if isCrossRow(operand) {
                return "it needs the sum over all rows, complete only when the kernel ends"
            }
            if node.op.traits.byAddress.contains(position) {
                return "it reads that operand by address, so it must be in memory"
            }
        }
        return nil
    }

    /// Whether a value is complete only when all rows of its kernel are. What is free is no sum that anybody waits for.
    func isCrossRow(_ value: Value) -> Bool {
        kinds[value.node.index] != .free && iterations[value.node.index].isSumOverRows(value.result)
    }

    /// Row reductions behind a product keep whole rows of it in the cache.
    private func footprintObstacle(_ index: Int, _ group: FusionGroup, _ cost: CostModel) -> String? {
        guard case .row = kinds[index], !group.anchors.isEmpty, shape(index) == group.shape else {
            return nil
        }
        let bytes =
            FusionLimits.blockRows * cost.extent(group.shape[group.shape.count - 1]) * 4 * group.anchors.count
        guard bytes > cost.cacheByteCount / 2 else { return nil }
        return
            "whole rows of the product take more than half of the cache: \(bytes) of \(cost.cacheByteCount) bytes"
    }

    /// Why a group should not wait for a later one that its result is added to.
    ///
    /// Gradients of a shared weight are an example: each product of layer l reads activations of layer l, which would
    /// be held until the backward pass has come to the first layer.
    private func waitObstacle(_ number: Int) -> String? {
        func grows(_ shape: [Dimension]) -> Bool { shape.contains { $0.symbol != nil } }
        guard !groups[number].anchors.isEmpty, !grows(groups[number].shape),
            groups[number].readTypes.contains(where: { grows($0.shape) })
        else { return nil }
        return "its operands grow with the batch, its result doesn't: that waits in less memory"
    }

    /// Why two groups that a node reads from can't be one.
    func mergeObstacle(_ a: Int, _ b: Int, _ cost: CostModel) -> String? {
        let (first, second) = (groups[a], groups[b])
        guard first.isOpen, second.isOpen else { return "one of them shares its kernel with nothing" }
        guard first.isOptimizerStep == second.isOptimizerStep else {
            return "it changes a parameter, so all that read the parameter must have run"
        }
        guard first.shape == second.shape else {
            return "they run over different shapes: \(text(first.shape)) and \(text(second.shape))"
        }
        if let axis = first.columnAxis, let other = second.columnAxis, axis != other {
            return "their rows end at different axes"
        }
        let axis = first.columnAxis ?? second.columnAxis
        let reductions = first.reductions + second.reductions
        if let reason = Self.sizeObstacle(first.size + second.size, reductions) { return reason }
        let types = first.readTypes + second.readTypes
        guard
            axisGroups(first.shape, types.filter { broadcasts($0.shape, to: first.shape) }, columnAxis: axis)
                != nil
        else { return "their operands repeat along more groups of axes than a kernel has loops" }
        let anchors = first.anchors.count + second.anchors.count
        guard anchors <= FusionLimits.products else {
            return "together they have more than \(FusionLimits.products) products"
        }
        guard Set((first.anchors + second.anchors).map { operandTypes($0)[0].element }).count <= 1 else {
            return "their products have operands of different element types"
        }
        if first.needsRows || second.needsRows, anchors > 0 {
            let bytes = FusionLimits.blockRows * cost.extent(first.shape[first.shape.count - 1]) * 4 * anchors
            guard bytes <= cost.cacheByteCount / 2 else {
                return "whole rows of all products take more than half of the cache"
            }
        }
        // Sums of one group that the other reads are complete only when all rows are.
        if readsSum(of: b, a) || readsSum(of: a, b) {
            return "one needs the other's sum over all rows, complete only when its kernel ends"
        }
        if readsByAddress(of: b, a) || readsByAddress(of: a, b) {
            return "one reads by address what the other makes, so that must be in memory"
        }
        for anchor in first.anchors + second.anchors {
            for operand in node(anchor).operands {
                if let other = home[operand.node.index], other == a || other == b {
                    return "a product of one reads what the other makes"
                }
            }
        }
        return canMerge(a, b) ? nil : "one waits for the other by way of a third kernel"
    }

    private func readsSum(of source: Int, _ reader: Int) -> Bool {
        groups[source].sums.contains { groups[reader].reads[$0] != nil }
    }

    private func readsByAddress(of source: Int, _ reader: Int) -> Bool {
        groups[reader].members.contains { member in
            let node = node(member)
            return node.op.traits.byAddress.contains { position in
                position < node.operands.count && home[node.operands[position].node.index] == source
            }
        }
    }

    /// Why a kernel can't have so many nodes, and reductions of rows among them.
    static func sizeObstacle(_ nodes: Int, _ reductions: Int) -> String? {
        if nodes > FusionLimits.nodes { return "a kernel has at most \(FusionLimits.nodes) operations" }
        guard reductions > FusionLimits.reductions else { return nil }
        return "a kernel reduces rows at most \(FusionLimits.reductions) times"
    }

    private func text(_ shape: [Dimension]) -> String {
        "[\(shape.map(\.description).joined(separator: ", "))]"
    }
}

/// What one kernel may hold.
enum FusionLimits {
    /// Rows of a product that a task keeps in the cache.
    static let blockRows = 32
    static let products = 4
    /// Nodes of a region, which the code generator takes as one piece.
    static let nodes = 1024
    /// Reductions of rows in a region. Each is a loop, in which the generated code computes anew what it reads.
    static let reductions = 32
    /// Kernels that read the same and can't become one, which the next one that reads it is compared with.
    static let partners = 16
    /// Kernels over fewer elements are put together with others of their shape, up to about so many nodes.
    static let smallElements = 65_536
    static let batchedNodes = 16
}

extension Node {
    var isSource: Bool { if case .source = op { true } else { false } }
}
