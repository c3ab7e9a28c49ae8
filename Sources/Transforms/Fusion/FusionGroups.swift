import GraphIR

/// Nodes that will run as one kernel, as far as the pass has got.
struct FusionGroup {
    /// Nodes that have their home here.
    var members: Set<Int>
    /// Nodes of other groups that are computed again here, rather than read.
    var clones: Set<Int> = []
    /// What the group iterates over; products' results have this shape too.
    let shape: [Dimension]
    /// Where its rows' columns begin, once a member asks for it.
    var columnAxis: Int?
    /// Products of matrices among the members.
    var anchors: [Int] = []
    /// Whether other nodes may join.
    let isOpen: Bool

    /// The shape of a tensor with one value a row; `nil` where that can't be told from one that broadcasts.
    var rowShape: [Dimension]? {
        guard let columnAxis, columnAxis < shape.count else { return nil }
        let rows = Array(shape.prefix(columnAxis))
        return broadcasts(rows, to: shape) ? nil : rows
    }
}

/// A graph that is being cut into kernels: the groups, and who reads whom.
struct FusionGroups {
    let graph: Graph
    let kinds: [IterationKind]
    /// The group of each node; `nil` for sources and for what any kernel can make.
    private(set) var home: [Int?]
    private(set) var groups: [FusionGroup] = []
    private var waits = GroupOrder()
    /// The nodes that read each node, in order.
    let readers: [[Int]]
    /// Values that are an output or an update of the graph.
    let roots: Set<Value>

    init(_ graph: Graph) {
        self.graph = graph
        home = Array(repeating: nil, count: graph.nodes.count)
        var readers: [[Int]] = Array(repeating: [], count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            for operand in Set(node.operands.map(\.node.index)) { readers[operand].append(index) }
        }
        self.readers = readers
        kinds = Self.kinds(graph, readers)
        roots = Set(graph.roots)
    }

    /// What is made of free values only, element by element, is free as well: every element is the same number.
    /// A parameter in lower precision that products read is left alone: they find it packed, and nothing computes it.
    private static func kinds(_ graph: Graph, _ readers: [[Int]]) -> [IterationKind] {
        var kinds: [IterationKind] = []
        for (index, node) in graph.nodes.enumerated() {
            var kind = node.iterationKind(node.operands.map(graph.type(of:)))
            let isElementwise = if case .reshape = node.op { true } else { kind == .map }
            if isElementwise, node.operands.allSatisfy({ kinds[$0.node.index] == .free }) { kind = .free }
            if case .cast = node.op, case .parameter = graph[node.operands[0].node].op,
                readers[index].contains(where: { graph.nodes[$0].isProduct })
            {
                kind = .opaque
            }
            kinds.append(kind)
        }
        return kinds
    }

    func node(_ index: Int) -> Node { graph[NodeID(index)] }

    func operandTypes(_ index: Int) -> [TensorType] { node(index).operands.map(graph.type(of:)) }

    func shape(_ index: Int) -> [Dimension] { node(index).iterationShape(operandTypes(index)) }

    func columnAxis(_ index: Int) -> Int? { node(index).columnAxis(operandTypes(index)) }

    /// A node as explanations name it.
    func site(_ index: Int) -> FusionDecision.Site { FusionDecision.Site(node(index)) }

    // MARK: Changing groups

    /// Opens a group for a node that joins none.
    @discardableResult
    mutating func open(_ index: Int) -> Int {
        let kind = kinds[index]
        var group = FusionGroup(members: [index], shape: shape(index), isOpen: kind != .opaque)
        group.columnAxis = kind == .contraction ? 1 : columnAxis(index)
        if kind == .contraction { group.anchors = [index] }
        groups.append(group)
        waits.addGroup()
        home[index] = groups.count - 1
        addDependencies(of: index, to: groups.count - 1)
        return groups.count - 1
    }

    private mutating func addDependencies(of index: Int, to group: Int) {
        for operand in node(index).operands {
            if let other = home[operand.node.index] { waits.add(other, before: group) }
        }
    }

    mutating func join(_ index: Int, _ group: Int) {
        home[index] = group
        groups[group].members.insert(index)
        groups[group].columnAxis = groups[group].columnAxis ?? columnAxis(index)
        addDependencies(of: index, to: group)
    }

    /// Moves everything of `other` into `group`.
    mutating func merge(_ other: Int, into group: Int) {
        for member in groups[other].members { home[member] = group }
        groups[group].members.formUnion(groups[other].members)
        groups[group].clones.formUnion(groups[other].clones)
        groups[group].clones.subtract(groups[group].members)
        groups[group].anchors = (groups[group].anchors + groups[other].anchors).sorted()
        groups[group].columnAxis = groups[group].columnAxis ?? groups[other].columnAxis
        groups[other].members = []
        groups[other].clones = []
        groups[other].anchors = []
        waits.merge(other, into: group)
    }

    mutating func addClones(_ nodes: Set<Int>, to group: Int) {
        groups[group].clones.formUnion(nodes)
        for index in nodes {
            for operand in node(index).operands where !contains(group, operand.node.index) {
                if let other = home[operand.node.index] { waits.add(other, before: group) }
            }
        }
    }

    /// Takes nodes that nothing in their group needs any more out of it.
    mutating func remove(_ index: Int) {
        guard let group = home[index] else { return }
        groups[group].members.remove(index)
        home[index] = nil
    }

    // MARK: Dependencies

    func contains(_ group: Int, _ index: Int) -> Bool {
        groups[group].members.contains(index) || groups[group].clones.contains(index)
    }

    /// Values that the group reads from elsewhere, sources among them, each once.
    func inputs(_ group: Int) -> [Value] {
        var seen: Set<Value> = []
        var inputs: [Value] = []
        for index in groups[group].members.union(groups[group].clones).sorted() {
            for operand in node(index).operands
            where !contains(group, operand.node.index) && kinds[operand.node.index] != .free {
                if seen.insert(operand).inserted { inputs.append(operand) }
            }
        }
        return inputs
    }

    /// Values of members that something outside reads, or that leave the graph.
    func outputs(_ group: Int) -> [Value] {
        groups[group].members.sorted().flatMap { index in
            node(index).types.indices.map { Value(NodeID(index), result: $0) }.filter { isStored($0) }
        }
    }

    /// Whether a value must be in memory: something outside its group reads it.
    func isStored(_ value: Value) -> Bool {
        !outsideReaders(value).isEmpty || roots.contains(value)
    }

    /// The groups that read a value from memory.
    func outsideReaders(_ value: Value) -> [Int] {
        var found: [Int] = []
        for reader in readers[value.node.index] where node(reader).operands.contains(value) {
            for group in groupsComputing(reader) where !contains(group, value.node.index) {
                if !found.contains(group) { found.append(group) }
            }
        }
        return found
    }

    /// Groups in which a node is computed: its home, and those with a clone.
    private func groupsComputing(_ index: Int) -> [Int] {
        var result = home[index].map { [$0] } ?? []
        for group in cloneHomes[index] ?? [] { result.append(group) }
        return result
    }

    /// Groups with a clone of each node.
    private(set) var cloneHomes: [Int: [Int]] = [:]

    mutating func indexClones() {
        cloneHomes = [:]
        for (number, group) in groups.enumerated() {
            for clone in group.clones { cloneHomes[clone, default: []].append(number) }
        }
    }

    /// Whether what `group` computes needs something that `target` computes, in however many steps.
    func depends(_ group: Int, on target: Int) -> Bool { waits.depends(group, on: target) }

    /// Whether two groups can become one without a cycle: no way from one to the other leads through a third.
    func canMerge(_ a: Int, _ b: Int) -> Bool {
        !waits.hasDetour(from: a, to: b) && !waits.hasDetour(from: b, to: a)
    }

    /// Groups that `group` reads from.
    func predecessors(_ group: Int) -> Set<Int> {
        var found: Set<Int> = []
        for index in groups[group].members.union(groups[group].clones) {
            for operand in node(index).operands where !contains(group, operand.node.index) {
                if let other = home[operand.node.index] { found.insert(other) }
            }
        }
        return found
    }
}

extension Node {
    fileprivate var isProduct: Bool { if case .matmul = op { true } else { false } }
}
