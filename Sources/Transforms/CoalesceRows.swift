import GraphIR

extension Pass {
    /// Keeps the gradient of a table that rows were taken from as the rows that are touched, and never as a table:
    /// scatter_add(updates, ids) = gather(rows, slots) with slots, positions = coalesce(ids) and
    /// rows = scatter_add(updates, positions).
    ///
    /// It fires when all that read the gradient go through it element by element, so that the gather can be computed
    /// where it is read, and there are fewer updates than rows. The sum of its squares is that of the rows, whose order
    /// of summation is another. The last of the rows stands for all that no id names and is 0.
    package static let coalesce = Pass("coalesce") { (graph: inout Graph, context) throws(IRError) in
        let readers = graph.readers
        var found: Set<NodeID> = []
        for id in graph.nodeIDs {
            guard let candidate = CoalescingCandidate(id, graph, readers, context.costModel) else { continue }
            if candidate.obstacle == nil { found.insert(id) }
            context.explain?(
                FusionDecision(
                    pattern: "coalesce", producer: FusionDecision.Site(graph[id]),
                    consumer: FusionDecision.Site(graph[candidate.reader]),
                    isFused: candidate.obstacle == nil,
                    reason: candidate.obstacle ?? "only rows that are touched are kept",
                    bytesSaved: candidate.bytesSaved))
        }
        guard !found.isEmpty else { return false }
        var rewriter = CoalescingRewriter(GraphRewriter(graph), found)
        for id in graph.nodeIDs { try rewriter.visit(id) }
        graph = rewriter.rewriter.finish()
        return true
    }
}

/// A sum of rows into a table, and what stands in the way of keeping only the rows that are touched.
private struct CoalescingCandidate {
    /// The last that reads the table.
    let reader: NodeID
    let obstacle: String?
    /// Each reader reads the table, which is written once.
    let bytesSaved: Int

    /// `nil` where `id` is not such a sum, nothing in the graph reads it, or its rows are single elements.
    init?(_ id: NodeID, _ graph: Graph, _ readers: [Value: [NodeID]], _ cost: CostModel) {
        let (node, table) = (graph[id], Value(id))
        guard case .indexing(.scatterAdd) = node.op, node.types[0].rank >= 2, let users = readers[table],
            let last = users.last
        else { return nil }
        let (type, updates) = (node.types[0], graph.type(of: node.operands[0]))
        reader = last
        bytesSaved = (1 + users.count) * (cost.byteCount(type) - cost.byteCount(updates))
        if graph.roots.contains(table) {
            obstacle = "the table leaves the graph"
        } else if let other = users.first(where: { !graph.runs($0, along: type) }) {
            obstacle = "it is not read element by element: \(graph[other].op.mnemonic)"
        } else if bytesSaved <= 0 {
            obstacle = "there are as many updates as rows: \(updates.shape[0]) and \(type.shape[0])"
        } else {
            obstacle = nil
        }
    }
}

extension Graph {
    fileprivate var readers: [Value: [NodeID]] {
        var readers: [Value: [NodeID]] = [:]
        for id in nodeIDs {
            for operand in Set(self[id].operands) { readers[operand, default: []].append(id) }
        }
        return readers
    }

    /// Whether a node computes x · x.
    fileprivate func isSquare(_ id: NodeID, of x: Value) -> Bool {
        self[id].op == .binary(.mul) && self[id].operands == [x, x]
    }

    fileprivate func isSumOfAll(_ id: NodeID) -> Bool {
        guard case .reduction(let sum) = self[id].op, sum.function == .sum else { return false }
        return sum.axes.count == type(of: self[id].operands[0]).rank
    }

    /// Whether a node goes through elements of `type` one by one.
    fileprivate func runs(_ id: NodeID, along type: TensorType) -> Bool {
        let operands = self[id].operands.map(self.type(of:))
        let iteration = self[id].iteration(operands)
        return iteration.kind == .map && iteration.shape == type.shape
    }
}

/// Puts rows and gathers in place of tables.
private struct CoalescingRewriter {
    var rewriter: GraphRewriter
    private let tables: Set<NodeID>
    /// The rows of each table, new values.
    private var rows: [NodeID: Value] = [:]

    init(_ rewriter: GraphRewriter, _ tables: Set<NodeID>) {
        (self.rewriter, self.tables) = (rewriter, tables)
    }

    mutating func visit(_ id: NodeID) throws(IRError) {
        let graph = rewriter.source
        let node = graph[id]
        if tables.contains(id) {
            rewriter.replace(id, with: [try table(id, rewriter.operands(id))])
        } else if graph.isSumOfAll(id), let rows = squaredRows(node.operands[0]) {
            let square = try rewriter.emit(.binary(.mul), [rows, rows], label: node.label)
            rewriter.replace(id, with: [try rewriter.emit(node.op, [square], label: node.label)])
        } else {
            try rewriter.copy(id)
        }
    }

    private mutating func table(_ id: NodeID, _ operands: [Value]) throws(IRError) -> Value {
        let node = rewriter.source[id]
        let (updates, ids) = (operands[0], operands[1])
        let count = rewriter.result.type(of: updates).shape[0]
        let slots = try rewriter.emit(.coalesce(rows: node.types[0].shape[0]), [ids], label: node.label)
        let positions = Value(slots.node, result: 1)
        let rows = try rewriter.emit(.scatterAdd(rows: count + 1), [updates, positions], label: node.label)
        self.rows[id] = rows
        return try rewriter.emit(.gather, [rows, slots], label: node.label)
    }

    /// The rows of the table whose square `value` is.
    private func squaredRows(_ value: Value) -> Value? {
        let node = rewriter.source[value.node]
        guard let table = node.operands.first, rewriter.source.isSquare(value.node, of: table) else {
            return nil
        }
        return rows[table.node]
    }
}
