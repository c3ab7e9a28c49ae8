import GraphIR

/// Nodes that will run as one kernel, as far as the pass has got.
struct FusionGroup {
    /// Nodes that have their home here.
    fileprivate(set) var members: Set<Int>
    /// Nodes of other groups that are computed again here, rather than read.
    fileprivate(set) var clones: Set<Int> = []
    /// Values that are computed elsewhere, each with the number of nodes here that read it.
    fileprivate(set) var reads: [Value: Int] = [:]
    /// The types of these values, each with their number.
    private var typeCounts: [TensorType: Int] = [:]
    /// Sums over all rows that members compute.
    fileprivate(set) var sums: [Value] = []
    /// The member that comes last in the graph.
    fileprivate(set) var last: Int
    /// Whether a member changes a parameter.
    fileprivate(set) var isOptimizerStep = false
    /// Whether a member needs whole rows.
    fileprivate(set) var needsRows = false
    /// How many members reduce rows, each of which takes the kernel over its rows once more.
    fileprivate(set) var reductions = 0
    /// What the group iterates over; products' results have this shape too.
    let shape: [Dimension]
    /// Where its rows' columns begin, once a member asks for it.
    var columnAxis: Int?
    /// Products of matrices among the members.
    var anchors: [Int] = []
    /// Whether other nodes may join.
    let isOpen: Bool

    fileprivate init(_ index: Int, shape: [Dimension], isOpen: Bool) {
        (members, last) = ([index], index)
        (self.shape, self.isOpen) = (shape, isOpen)
    }

    /// Nodes that are computed here.
    var size: Int { members.count + clones.count }

    /// The types of what is read, each once.
    var readTypes: [TensorType] { Array(typeCounts.keys) }

    func contains(_ index: Int) -> Bool { members.contains(index) || clones.contains(index) }

    fileprivate mutating func addReads(_ count: Int, of value: Value, _ type: TensorType) {
        if reads.updateValue(reads[value, default: 0] + count, forKey: value) == nil {
            typeCounts[type, default: 0] += 1
        }
    }

    /// Notes that `count` nodes fewer read the value from elsewhere; all when `nil`.
    fileprivate mutating func dropReads(_ count: Int? = nil, of value: Value, _ type: TensorType) {
        guard let known = reads[value] else { return }
        if let count, known > count {
            reads[value] = known - count
            return
        }
        reads[value] = nil
        let others = typeCounts[type, default: 1] - 1
        typeCounts[type] = others == 0 ? nil : others
    }

    /// Exchanges the nodes of two groups, with what they read.
    fileprivate mutating func swapNodes(_ other: inout FusionGroup) {
        swap(&members, &other.members)
        swap(&clones, &other.clones)
        swap(&reads, &other.reads)
        swap(&typeCounts, &other.typeCounts)
    }

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
    let iterations: [Iteration]
    let kinds: [IterationKind]
    /// The group of each node; `nil` for sources and for what any kernel can make.
    private(set) var home: [Int?]
    private(set) var groups: [FusionGroup] = []
    private var waits = GroupOrder()
    /// The nodes that read each node, in order.
    let readers: [[Int]]
    /// Whether each node is on the way from a parameter to its new value (`Graph.parameterSteps`).
    let isParameterStep: [Bool]
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
        iterations = graph.nodes.map { $0.iteration($0.operands.map(graph.type(of:))) }
        kinds = Self.kinds(graph, iterations, readers)
        let steps = graph.parameterSteps()
        isParameterStep = graph.nodeIDs.map(steps.contains)
        roots = Set(graph.roots)
    }

    /// What is made of free values only, element by element, is free as well: every element is the same number.
    /// A row op on a square whose numbers for rows could be taken for columns has a kernel of its own.
    /// A parameter in lower precision that products read is left alone: they find it packed, and nothing computes it.
    private static func kinds(
        _ graph: Graph, _ iterations: [Iteration], _ readers: [[Int]]
    ) -> [IterationKind] {
        var kinds: [IterationKind] = []
        for (index, node) in graph.nodes.enumerated() {
            var kind = iterations[index].kind
            let isElementwise = if case .shape(.reshape) = node.op { true } else { kind == .map }
            if isElementwise, node.operands.allSatisfy({ kinds[$0.node.index] == .free }) { kind = .free }
            if case .elementwise(.cast) = node.op, case .source(.parameter) = graph[node.operands[0].node].op,
                readers[index].contains(where: { graph.nodes[$0].isProduct })
            {
                kind = .opaque
            }
            if iterations[index].hasRowsLikeColumns(node.operands.map(graph.type(of:)) + node.types) {
                kind = .opaque
            }
            kinds.append(kind)
        }
        return kinds
    }

    func node(_ index: Int) -> Node { graph[NodeID(index)] }

    func operandTypes(_ index: Int) -> [TensorType] { node(index).operands.map(graph.type(of:)) }

    func shape(_ index: Int) -> [Dimension] { iterations[index].shape }

    func columnAxis(_ index: Int) -> Int? { iterations[index].columnAxis }

    /// A node as explanations name it.
    func site(_ index: Int) -> FusionDecision.Site { FusionDecision.Site(node(index)) }

    // MARK: Changing groups

    /// Opens a group for a node that joins none.
    @discardableResult
    mutating func open(_ index: Int) -> Int {
        let kind = kinds[index]
        var group = FusionGroup(index, shape: shape(index), isOpen: kind != .opaque)
        group.columnAxis = kind == .contraction ? shape(index).count - 1 : columnAxis(index)
        if kind == .contraction { group.anchors = [index] }
        groups.append(group)
        waits.addGroup()
        home[index] = groups.count - 1
        noteMember(index, groups.count - 1)
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
        noteMember(index, group)
        addDependencies(of: index, to: group)
    }

    /// Brings what is known of all members up to date.
    private mutating func noteMember(_ index: Int, _ group: Int) {
        groups[group].last = max(groups[group].last, index)
        noteReads(of: index, group)
        if isParameterStep[index] { groups[group].isOptimizerStep = true }
        if case .row = kinds[index] {
            groups[group].reductions += 1
            if shape(index) == groups[group].shape { groups[group].needsRows = true }
        }
        groups[group].sums += values(index).filter(isCrossRow)
    }

    /// Notes what a new node of a group reads, and that what it computes is read from elsewhere no more.
    private mutating func noteReads(of index: Int, _ group: Int) {
        for operand in Set(node(index).operands)
        where !contains(group, operand.node.index) && kinds[operand.node.index] != .free {
            groups[group].addReads(1, of: operand, graph.type(of: operand))
        }
        for value in values(index) { groups[group].dropReads(of: value, graph.type(of: value)) }
    }

    private func values(_ index: Int) -> [Value] {
        node(index).types.indices.map { Value(NodeID(index), result: $0) }
    }

    /// Moves everything of `other` into `group`.
    mutating func merge(_ other: Int, into group: Int) {
        for member in groups[other].members { home[member] = group }
        var small = groups[other]
        // Adding the few to the many takes less than the other way round.
        if small.members.count > groups[group].members.count { groups[group].swapNodes(&small) }
        groups[group].members.formUnion(small.members)
        groups[group].clones.formUnion(small.clones)
        if !groups[group].clones.isEmpty { groups[group].clones.subtract(groups[group].members) }
        for (value, count) in small.reads where !contains(group, value.node.index) {
            groups[group].addReads(count, of: value, graph.type(of: value))
        }
        for index in small.members.union(small.clones) {
            for value in values(index) { groups[group].dropReads(of: value, graph.type(of: value)) }
        }
        groups[group].last = max(groups[group].last, groups[other].last)
        groups[group].isOptimizerStep = groups[group].isOptimizerStep || groups[other].isOptimizerStep
        groups[group].needsRows =
            groups[group].needsRows
            || groups[other].needsRows && groups[other].shape == groups[group].shape
        groups[group].reductions += groups[other].reductions
        groups[group].sums += groups[other].sums
        groups[group].anchors = (groups[group].anchors + groups[other].anchors).sorted()
        groups[group].columnAxis = groups[group].columnAxis ?? groups[other].columnAxis
        groups[other].members = []
        groups[other].clones = []
        groups[other].reads = [:]
        groups[other].sums = []
        groups[other].anchors = []
        waits.merge(other, into: group)
    }

    mutating func addClones(_ nodes: Set<Int>, to group: Int) {
        for index in nodes where groups[group].clones.insert(index).inserted {
            let homes = cloneHomes[index] ?? []
            let place = homes.firstIndex { $0 > group } ?? homes.count
            cloneHomes[index, default: []].insert(group, at: place)
        }
        for index in nodes {
            noteReads(of: index, group)
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
        for operand in Set(node(index).operands) {
            groups[group].dropReads(1, of: operand, graph.type(of: operand))
        }
        if groups[group].last == index { groups[group].last = groups[group].members.max() ?? 0 }
    }

    // MARK: Dependencies

    func contains(_ group: Int, _ index: Int) -> Bool { groups[group].contains(index) }

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
        roots.contains(value)
            || readers[value.node.index].contains { reader in
                node(reader).operands.contains(value)
                    && groupsComputing(reader).contains { !contains($0, value.node.index) }
            }
    }

    /// The groups that read a value from memory.
    func outsideReaders(_ value: Value) -> [Int] {
        var found: [Int] = []
        var seen: Set<Int> = []
        for reader in readers[value.node.index] where node(reader).operands.contains(value) {
            for group in groupsComputing(reader) where !contains(group, value.node.index) {
                if seen.insert(group).inserted { found.append(group) }
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
    fileprivate var isProduct: Bool { if case .contraction(.matmul) = op { true } else { false } }
}
