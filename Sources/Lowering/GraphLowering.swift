import GraphIR
import KernelIR

/// Lowers a verified graph to a verified program. Throws for what no kernel template covers, naming the node.
///
/// - Parameters:
///   - keepsPanels: whether parameters that products read are packed once and kept so, the optimiser's kernels
///     writing the panels along with the parameter, rather than packed by every product.
///   - readers: programs over the same parameters, whose panels the optimiser's kernels of this one write as well.
///   - customKernels: kernels of the custom ops that are in the graph.
package func lower(
    _ graph: Graph, for machine: Machine, keepsPanels: Bool, readers: [Program] = [],
    customKernels: [CustomKernel] = []
) throws(IRError) -> Program {
    var lowering = GraphLowering(
        graph: graph, machine: machine, keepsPanels: keepsPanels, readers: readers,
        customKernels: customKernels)
    let program = try lowering.program()
    try program.verify(lanes: machine.target.lanes)
    return program
}

/// Turns each node of a graph into a kernel and binds its buffers.
struct GraphLowering {
    let graph: Graph
    let machine: Machine
    let customKernels: [CustomKernel]
    private var launches: [Program.Launch] = []
    private var workspaces: [Extent] = []
    let plan: ViewPlan
    /// Parameters that are kept in panels.
    let packed: [PackedParameter]
    /// The same by parameter.
    let packedOfParameter: [Value: [PackedParameter]]
    /// Nodes that write parameters when everything else has run.
    let inPlaceUpdates: Set<NodeID>

    fileprivate init(
        graph: Graph, machine: Machine, keepsPanels: Bool, readers: [Program], customKernels: [CustomKernel]
    ) {
        self.graph = graph
        self.machine = machine
        self.customKernels = customKernels
        inPlaceUpdates = graph.inPlaceUpdates()
        plan = ViewPlan(graph, machine, inPlaceUpdates: inPlaceUpdates)
        let own = keepsPanels ? Self.packedParameters(graph, machine) : []
        packed =
            own + (keepsPanels ? Self.packedByReaders(readers, of: graph, inPlaceUpdates, besides: own) : [])
        packedOfParameter = Dictionary(grouping: packed, by: \.parameter)
    }

    fileprivate mutating func program() throws(IRError) -> Program {
        for id in graph.nodeIDs { try lower(id) }
        return Program(
            graph: graph, launches: neededLaunches,
            packings: Dictionary(uniqueKeysWithValues: packed.map { ($0, packing($0)) }),
            workspaces: workspaces, views: plan.views, copies: plan.reasons)
    }

    /// Launches but for constants that every user took into its own program, and parameters' casts that every user
    /// reads as panels.
    private var neededLaunches: [Program.Launch] {
        var read = Set(graph.roots.map { aliased($0) })
        for launch in launches {
            for case .value(let value) in launch.buffers where value.node != launch.node {
                read.insert(aliased(value))
            }
        }
        return launches.filter { launch in
            let isTakenOver =
                switch graph[launch.node].op {
                case .source(.constant), .elementwise(.cast): true
                case .source, .elementwise, .dropout, .stochasticRound, .reduction, .shape, .contraction,
                    .normalisation, .quantization,
                    .attention, .loss, .indexing, .optimizer, .fusion, .custom:
                    false
                }
            return !isTakenOver || read.contains(aliased(Value(launch.node)))
        }
    }

    private func aliased(_ value: Value) -> Value {
        var value = value
        while let view = plan.views[value] { value = view.base }
        return value
    }

    private mutating func lower(_ id: NodeID) throws(IRError) {
        let node = graph[id]
        switch node.op {
        case .source(let source): self.source(id, source)
        case .elementwise, .dropout, .stochasticRound, .normalisation, .quantization, .loss, .optimizer,
            .custom:
            try rowSection(section(id), id)
        case .reduction(let op): try reduce(id, op)
        case .shape(let op): shape(id, op)
        case .contraction(let op): try contraction(id, op)
        case .attention(let op): try attention(id, op)
        case .indexing(let op): try indexing(id, op)
        case .fusion: try fusion(id)
        }
    }

    /// A region: products with what surrounds them, or rows.
    private mutating func fusion(_ id: NodeID) throws(IRError) {
        let section = section(id)
        if section.nodes.contains(where: { section.kind($0) == .contraction }) {
            try contractionSection(section, id)
        } else {
            try rowSection(section, id)
        }
    }

    // MARK: What the families' files use

    func type(_ value: Value) -> TensorType { graph.type(of: value) }

    func section(_ id: NodeID) -> Section { Section(graph, id, views: plan.views) }

    /// Operands first, then results: the usual binding.
    func standardBuffers(_ id: NodeID) -> [Program.Buffer] {
        let node = graph[id]
        return node.operands.map { .value($0) } + node.types.indices.map { .value(Value(id, result: $0)) }
    }

    mutating func emit(
        _ id: NodeID, _ phases: [Phase], name: String? = nil, buffers: [Program.Buffer]? = nil
    ) {
        let kernel = Kernel(name ?? graph[id].op.mnemonic, phases)
        launches.append(
            Program.Launch(kernel: kernel, buffers: buffers ?? standardBuffers(id), node: id))
    }

    /// Working memory of `count` elements of 4 bytes.
    mutating func workspace(_ count: Extent) -> Program.Buffer { workspace(byteCount: count * .fixed(4)) }

    mutating func workspace(byteCount: Extent) -> Program.Buffer {
        workspaces.append(byteCount)
        return .workspace(workspaces.count - 1)
    }

    /// Pieces for a loop over `elements`: one when it is known to be small.
    func tasks(_ elements: Extent) -> Int {
        if let count = elements.fixedValue, count < Machine.serialElements { return 1 }
        return Machine.tasks
    }

    func unsupported(_ id: NodeID, _ what: String) -> IRError {
        IRError("lowering", what, at: graph.place(id))
    }
}
