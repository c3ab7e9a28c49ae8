import GraphIR

/// Rebuilds a graph node by node: a pass walks the source in order and copies, replaces or drops each node.
///
/// Values of the source are *old*, values of the graph that grows are *new*; every new operand is checked
/// against its op's shape rule. Labels are kept, and `finish` carries outputs and updates over.
public struct GraphRewriter {
    package let source: Graph
    package private(set) var result: Graph
    /// For each visited old node, the new values that stand for its results; empty when it was dropped.
    private var replacements: [[Value]] = []

    package init(_ source: Graph) {
        self.source = source
        result = Graph(name: source.name)
        replacements.reserveCapacity(source.nodes.count)
    }

    /// The new value that stands for `old`, whose node must have been visited and not dropped.
    package func replacement(_ old: Value) -> Value { replacements[old.node.index][old.result] }

    /// The new operands of an old node.
    package func operands(_ id: NodeID) -> [Value] { source[id].operands.map(replacement) }

    /// Copies the next node as it is.
    package mutating func copy(_ id: NodeID) throws(IRError) {
        let node = source[id]
        let new = try result.append(node.op, operands(id), label: node.label)
        replace(id, with: node.types.indices.map { Value(new, result: $0) })
    }

    /// Lets new values stand for all results of the next node.
    package mutating func replace(_ id: NodeID, with values: [Value]) {
        precondition(id.index == replacements.count, "nodes are visited in order, each once")
        replacements.append(values)
    }

    /// Leaves the next node out; nothing that is copied later may use it.
    package mutating func drop(_ id: NodeID) { replace(id, with: []) }

    /// Appends a node to the new graph and returns its first result.
    public mutating func emit(_ op: Op, _ operands: [Value], label: String) throws(IRError) -> Value {
        Value(try result.append(op, operands, label: label))
    }

    /// The new graph, with the outputs and updates of the source.
    package consuming func finish() -> Graph {
        var graph = result
        for output in source.outputs { graph.addOutput(output.name, replacement(output.value)) }
        for update in source.updates {
            graph.addUpdate(of: replacement(update.parameter), to: replacement(update.value))
        }
        return graph
    }
}
