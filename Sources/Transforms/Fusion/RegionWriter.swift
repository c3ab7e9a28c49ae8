import GraphIR
import HeapModule

/// Writes the graph in which each group of several nodes is one region.
struct RegionWriter {
    let groups: FusionGroups
    private var result: Graph
    /// The new value of each old one that is in memory.
    private var values: [Value: Value] = [:]

    init(_ groups: FusionGroups) {
        self.groups = groups
        result = Graph(name: groups.graph.name)
    }

    /// The fused graph. Kernels come in the order of their first nodes, as far as what they read allows.
    consuming func write() throws(IRError) -> Graph {
        let graph = groups.graph
        let isWrittenAlone = groups.nodesWrittenAlone()
        for id in graph.nodeIDs where groups.home[id.index] == nil && isWrittenAlone[id.index] {
            try copy(id)
        }
        for number in groups.order() { try write(number) }
        for output in graph.outputs { result.addOutput(output.name, try value(output.value)) }
        for update in graph.updates {
            result.addUpdate(of: try value(update.parameter), to: try value(update.value))
        }
        return result
    }

    private func value(_ old: Value) throws(IRError) -> Value {
        guard let value = values[old] else {
            throw IRError("fusion", "a value is not stored", at: groups.graph.place(old.node))
        }
        return value
    }

    private mutating func copy(_ id: NodeID) throws(IRError) {
        let node = groups.graph[id]
        var operands: [Value] = []
        for operand in node.operands { operands.append(try value(operand)) }
        let new = try result.append(node.op, operands, label: node.label)
        for result in node.types.indices { values[Value(id, result: result)] = Value(new, result: result) }
    }

    private mutating func write(_ number: Int) throws(IRError) {
        let group = groups.groups[number]
        guard let first = group.members.min() else { return }
        if group.members.count == 1, group.clones.isEmpty { return try copy(NodeID(first)) }
        let outputs = groups.outputs(number)
        let (body, operands) = try body(number, outputs)
        var newOperands: [Value] = []
        for operand in operands { newOperands.append(try value(operand)) }
        let label = groups.graph[NodeID(group.anchors.first ?? first)].label
        let id = try result.append(.fusion(Region(body: body)), newOperands, label: label)
        for (index, output) in outputs.enumerated() { values[output] = Value(id, result: index) }
    }

    /// What a group computes, as a graph of its own, and the values that it reads.
    private func body(_ number: Int, _ outputs: [Value]) throws(IRError) -> (Graph, [Value]) {
        let graph = groups.graph
        var body = Graph(name: groups.name(number))
        var inner: [Value: Value] = [:]
        let operands = groups.inputs(number)
        for (index, operand) in operands.enumerated() {
            inner[operand] = Value(
                try body.append(.input(name: Region.portName(index), type: graph.type(of: operand)), []))
        }
        let group = groups.groups[number]
        for index in group.members.union(group.clones).sorted() {
            let node = graph[NodeID(index)]
            var newOperands: [Value] = []
            for operand in node.operands {
                newOperands.append(try Self.value(operand, of: graph, in: &body, &inner))
            }
            let id = try body.append(node.op, newOperands, label: node.label)
            for result in node.types.indices {
                inner[Value(NodeID(index), result: result)] = Value(id, result: result)
            }
        }
        for (index, output) in outputs.enumerated() {
            guard let value = inner[output] else { continue }
            body.addOutput(Region.portName(index), value)
        }
        return (body, operands)
    }

    /// The value of the body that stands for one of the graph; constants and extents are made where they are
    /// needed.
    private static func value(
        _ old: Value, of graph: Graph, in body: inout Graph, _ inner: inout [Value: Value]
    ) throws(IRError) -> Value {
        var pending = [old]
        while let next = pending.last {
            let node = graph[next.node]
            // Deep constants are no reason for deep recursion.
            if inner[next] == nil, let missing = node.operands.first(where: { inner[$0] == nil }) {
                pending.append(missing)
                continue
            }
            pending.removeLast()
            guard inner[next] == nil else { continue }
            inner[next] = Value(
                try body.append(node.op, node.operands.compactMap { inner[$0] }, label: node.label))
        }
        guard let new = inner[old] else { preconditionFailure("a value was made of all its operands") }
        return new
    }
}

extension FusionGroups {
    /// Whether each node without a kernel of its own stands in the graph by itself: sources, and constants that an
    /// unfused node, an output or an update reads.
    func nodesWrittenAlone() -> [Bool] {
        var isAlone = [Bool](repeating: false, count: graph.nodes.count)
        for index in graph.nodes.indices.reversed() {
            guard kinds[index] == .free else {
                isAlone[index] = node(index).isSource
                continue
            }
            isAlone[index] =
                roots.contains(Value(NodeID(index)))
                || readers[index].contains { reader in
                    guard let group = home[reader] else { return kinds[reader] == .free && isAlone[reader] }
                    return groups[group].members.count == 1 && groups[group].clones.isEmpty
                }
        }
        return isAlone
    }

    /// Groups so that each comes after those that it reads from; of several that could be next, the one whose
    /// first node comes first in the graph.
    func order() -> [Int] {
        let alive = groups.indices.filter { !groups[$0].members.isEmpty }
        var waiting = Dictionary(uniqueKeysWithValues: alive.map { ($0, predecessors($0)) })
        var followers: [Int: [Int]] = [:]
        for (group, before) in waiting { for other in before { followers[other, default: []].append(group) } }
        // The first nodes of groups that could be next; no two groups have the same.
        var ready = Heap<Int>()
        var groupOfNode: [Int: Int] = [:]
        func add(_ group: Int) {
            let first = groups[group].anchors.first ?? groups[group].members.min() ?? 0
            groupOfNode[first] = group
            ready.insert(first)
        }
        for group in alive where waiting[group]?.isEmpty ?? true { add(group) }
        var order: [Int] = []
        while let first = ready.popMin(), let next = groupOfNode[first] {
            order.append(next)
            for follower in followers[next] ?? [] {
                waiting[follower]?.remove(next)
                if waiting[follower]?.isEmpty ?? false { add(follower) }
            }
        }
        return order
    }
}
