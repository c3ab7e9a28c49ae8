import GraphCompiler

/// What one pass did to the numbers of nodes.
struct PassChange {
    let name: String
    /// Nodes after the pass.
    let nodes: Int
    let seconds: Double
    let changed: Bool
    /// Ops of which there are more than before, then those of which there are fewer; the greatest change first.
    let ops: [(op: String, change: Int)]

    /// `fusion +2, reshape -12, matmul -4, …`, as many ops as fit into `width` characters; a pass may rewrite nodes
    /// without changing how many there are of each op.
    func text(width: Int) -> String {
        guard changed else { return "nothing" }
        guard !ops.isEmpty else { return "operands only" }
        var text = ""
        for (op, change) in ops {
            let next = (text.isEmpty ? "" : ", ") + "\(op) \(change > 0 ? "+" : "")\(change)"
            guard text.count + next.count <= width - 3 else { return text + ", …" }
            text += next
        }
        return text
    }
}

/// Parameters of one role.
struct ParameterTotal {
    let role: ParameterRole
    var tensors = 0
    var elements = 0
    var bytes = 0
}

extension CompilationReport {
    /// A change for each pass that ran, in order.
    var passChanges: [PassChange] {
        var before = graph.opCounts
        return passes.map { pass in
            let after = pass.changed ? pass.graph.opCounts : before
            let changes = after.merging(before.mapValues { -$0 }, uniquingKeysWith: +)
                .filter { $0.value != 0 }.map { (op: $0.key, change: $0.value) }
            before = after
            return PassChange(
                name: pass.name, nodes: pass.graph.nodes.count, seconds: pass.seconds, changed: pass.changed,
                ops: changes.sorted {
                    ($0.change < 0 ? 1 : 0, -abs($0.change), $0.op)
                        < ($1.change < 0 ? 1 : 0, -abs($1.change), $1.op)
                })
        }
    }
}

extension Graph {
    fileprivate var opCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for node in nodes { counts[node.op.mnemonic, default: 0] += 1 }
        return counts
    }

    /// Parameters by role; those that the graph does not have are left out. Their shapes are fixed.
    var parameterTotals: [ParameterTotal] {
        ParameterRole.allCases.compactMap { role in
            var total = ParameterTotal(role: role)
            for case .source(.parameter(_, let type, role)) in nodes.map(\.op) {
                let elements = (type.extents([:]) ?? []).reduce(1, *)
                total.tensors += 1
                total.elements += elements
                total.bytes += elements * type.element.byteCount
            }
            return total.tensors > 0 ? total : nil
        }
    }
}
