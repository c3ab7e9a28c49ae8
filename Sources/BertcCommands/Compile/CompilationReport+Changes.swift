import GraphCompiler

/// What one pass did to the numbers of nodes.
struct PassChange {
    let name: String
    /// Nodes after the pass.
    let nodes: Int
    let seconds: Double
    let changed: Bool
    /// Ops of which there are more (or fewer) than before, the greatest change first; regions by their name.
    let ops: [(op: String, change: Int)]

    /// `reshape -12, matmul +2`; a pass may rewrite nodes without changing how many there are of each op.
    var text: String {
        ops.isEmpty
            ? "operands only"
            : ops.map { "\($0.op) \($0.change > 0 ? "+" : "")\($0.change)" }.joined(separator: ", ")
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
            let changes = after.merging(before.mapValues { -$0 }, uniquingKeysWith: +).filter {
                $0.value != 0
            }
            before = after
            return PassChange(
                name: pass.name, nodes: pass.graph.nodes.count, seconds: pass.seconds, changed: pass.changed,
                ops: changes.sorted { (-abs($0.value), $0.key) < (-abs($1.value), $1.key) }
                    .map { (op: $0.key, change: $0.value) })
        }
    }
}

extension Graph {
    fileprivate var opCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for node in nodes {
            if case .fusion(let region) = node.op {
                counts[region.name, default: 0] += 1
            } else {
                counts[node.op.mnemonic, default: 0] += 1
            }
        }
        return counts
    }

    /// Parameters by role; those that the graph does not have are left out. Their shapes are fixed.
    var parameterTotals: [ParameterTotal] {
        ParameterRole.allCases.compactMap { role in
            var total = ParameterTotal(role: role)
            for case .parameter(_, let type, role) in nodes.map(\.op) {
                let elements = (type.extents([:]) ?? []).reduce(1, *)
                total.tensors += 1
                total.elements += elements
                total.bytes += elements * type.element.byteCount
            }
            return total.tensors > 0 ? total : nil
        }
    }
}
