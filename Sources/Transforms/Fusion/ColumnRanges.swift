import GraphIR

/// Products of which only slices of columns are read become products with slices of their weights.
///
/// slice(x W, columns) = x slice(W, columns), also through a bias and a cast: element-wise ops that read the slices can
/// then run in the kernel of the products, which read their columns of one packed weight. Other readers find slices of
/// the product where they lie, so a product that feeds those stays whole.
struct ColumnRanges {
    /// Panels of every machine begin at multiples of this.
    static let panelColumns = 96

    private let graph: Graph
    private let readers: [[NodeID]]
    private let roots: Set<Value>
    private let context: PassContext

    init(_ graph: Graph, _ context: PassContext) {
        self.graph = graph
        self.context = context
        var readers: [[NodeID]] = Array(repeating: [], count: graph.nodes.count)
        for id in graph.nodeIDs {
            for operand in Set(graph[id].operands) { readers[operand.node.index].append(id) }
        }
        self.readers = readers
        roots = Set(graph.roots)
    }

    func split() throws(IRError) -> Graph {
        let slices = slices()
        guard !slices.isEmpty else { return graph }
        var rewriter = GraphRewriter(graph)
        for id in graph.nodeIDs {
            guard slices.contains(id), case .shape(.slice(_, let start, let size)) = graph[id].op else {
                try rewriter.copy(id)
                continue
            }
            let part = try columns(start, size, of: graph[id].operands[0], &rewriter)
            rewriter.replace(id, with: [part])
        }
        var result = rewriter.finish()
        _ = try Pass.deadCode.run(&result, context)
        return result
    }

    /// Slices that products with a part of the weight can take the place of.
    private func slices() -> Set<NodeID> {
        var found: Set<NodeID> = []
        for id in graph.nodeIDs {
            guard case .contraction(.matmul(false, _)) = graph[id].op, graph[id].types[0].rank == 2,
                isWeight(graph[id].operands[1])
            else { continue }
            var last = id
            while readers[last.index].count == 1, !roots.contains(Value(last)),
                passesColumns(readers[last.index][0], last)
            {
                last = readers[last.index][0]
            }
            let parts = readers[last.index]
            guard parts.count > 1, !roots.contains(Value(last)), parts.allSatisfy({ isColumnSlice($0) }),
                parts.allSatisfy({ feedsElements($0) })
            else { continue }
            let obstacle =
                parts.allSatisfy { start($0) % Self.panelColumns == 0 }
                ? nil
                : "a slice begins within a panel of the weight: not at a multiple of \(Self.panelColumns) columns"
            let bytes = parts.reduce(0) { $0 + 2 * context.costModel.byteCount(graph[$1].types[0]) }
            context.explain?(
                FusionDecision(
                    pattern: "matmul+slice", producer: FusionDecision.Site(graph[id]),
                    consumer: FusionDecision.Site(graph[parts[0]]), isFused: obstacle == nil,
                    reason: obstacle ?? "each slice is a product with columns of the packed weight",
                    bytesSaved: bytes))
            if obstacle == nil { found.formUnion(parts) }
        }
        return found
    }

    private func isWeight(_ value: Value) -> Bool {
        var node = graph[value.node]
        if case .elementwise(.cast) = node.op { node = graph[node.operands[0].node] }
        return if case .source(.parameter) = node.op { true } else { false }
    }

    /// Whether a node computes each column from the same column of its operand: a cast, or a bias.
    private func passesColumns(_ id: NodeID, _ operand: NodeID) -> Bool {
        let node = graph[id]
        guard case .elementwise(let op) = node.op else { return false }
        switch op {
        case .cast(let element): return element.isFloat
        case .binary(.add):
            return node.operands.contains { $0.node != operand && graph.type(of: $0).rank == 1 }
                && node.types[0] == graph[operand].types[0]
        case .unary, .unaryGradient, .binary, .compare, .select: return false
        }
    }

    private func isColumnSlice(_ id: NodeID) -> Bool {
        if case .shape(.slice(1, _, _)) = graph[id].op { true } else { false }
    }

    private func start(_ id: NodeID) -> Int {
        if case .shape(.slice(_, let start, _)) = graph[id].op { start } else { 0 }
    }

    /// Whether all that reads a node is computed element by element.
    private func feedsElements(_ id: NodeID) -> Bool {
        !roots.contains(Value(id))
            && readers[id.index].allSatisfy { reader in
                graph[reader].iteration(graph[reader].operands.map(graph.type(of:))).kind == .map
            }
    }

    /// The columns of a product, or of what follows it.
    private func columns(
        _ start: Int, _ size: Dimension, of value: Value, _ rewriter: inout GraphRewriter
    ) throws(IRError) -> Value {
        let node = graph[value.node]
        let operands = rewriter.operands(value.node)
        if case .contraction(.matmul(_, let transposed)) = node.op {
            let slice = Op.slice(axis: transposed ? 0 : 1, start: start, size: size)
            let weight = try rewriter.emit(slice, [operands[1]], label: node.label)
            return try rewriter.emit(node.op, [operands[0], weight], label: node.label)
        }
        var parts: [Value] = []
        for (old, new) in zip(node.operands, operands) {
            if graph.type(of: old).rank == 1 {
                let slice = Op.slice(axis: 0, start: start, size: size)
                parts.append(try rewriter.emit(slice, [new], label: node.label))
            } else {
                parts.append(try columns(start, size, of: old, &rewriter))
            }
        }
        return try rewriter.emit(node.op, parts, label: node.label)
    }
}
