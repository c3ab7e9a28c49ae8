import GraphIR
import KernelIR

/// Lowers a verified graph to a verified program. Throws for what no kernel template covers, naming the node.
///
/// - Parameters:
///   - keepsPanels: whether parameters that products read are packed once and kept so, the optimiser's kernels
///     writing the panels along with the parameter, rather than packed by every product.
///   - customKernels: kernels of the custom ops that are in the graph.
package func lower(
    _ graph: Graph, for machine: Machine, keepsPanels: Bool, customKernels: [CustomKernel] = []
) throws(IRError) -> Program {
    var lowering = GraphLowering(
        graph: graph, machine: machine, keepsPanels: keepsPanels, customKernels: customKernels)
    let program = try lowering.program()
    try program.verify(lanes: machine.lanes)
    return program
}

/// Turns each node of a graph into a kernel and binds its buffers.
struct GraphLowering {
    let graph: Graph
    let machine: Machine
    let customKernels: [CustomKernel]
    private var launches: [Program.Launch] = []
    private var workspaces: [Extent] = []
    private var aliases: [Value: Value] = [:]
    /// Parameters that are kept in panels.
    let packed: [PackedParameter]
    /// The same by parameter.
    let packedOfParameter: [Value: [PackedParameter]]
    /// Nodes that write parameters when everything else has run.
    let inPlaceUpdates: Set<NodeID>

    fileprivate init(graph: Graph, machine: Machine, keepsPanels: Bool, customKernels: [CustomKernel]) {
        self.graph = graph
        self.machine = machine
        self.customKernels = customKernels
        inPlaceUpdates = graph.inPlaceUpdates()
        packed = keepsPanels ? Self.packedParameters(graph, machine) : []
        packedOfParameter = Dictionary(grouping: packed, by: \.parameter)
    }

    fileprivate mutating func program() throws(IRError) -> Program {
        for id in graph.nodeIDs { try lower(id) }
        return Program(
            graph: graph, launches: neededLaunches,
            packings: Dictionary(uniqueKeysWithValues: packed.map { ($0, packing($0)) }),
            workspaces: workspaces, aliases: aliases)
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
            switch graph[launch.node].op {
            case .constant, .cast: read.contains(Value(launch.node))
            default: true
            }
        }
    }

    private func aliased(_ value: Value) -> Value {
        var value = value
        while let next = aliases[value] { value = next }
        return value
    }

    private mutating func lower(_ id: NodeID) throws(IRError) {
        let node = graph[id]
        switch node.op {
        case .input, .parameter: break
        case .constant(let literal, let type):
            // Dense constants are filled in by the executor before the first run.
            if case .splat(let value) = literal {
                fill(id, type, [.constant(value, type.element.computeType)])
            }
        case .iota(let type, let axis): iota(id, type, axis)
        case .dimensionSize(let dimension):
            fill(id, node.types[0], [.extent(Extent([dimension]))])
        case .unary, .unaryGradient, .binary, .compare, .select, .cast, .dropout, .softmax, .softmaxGradient,
            .layerNorm, .layerNormGradient, .rowStatistics, .normalize, .crossEntropy, .crossEntropyGradient,
            .gather, .adamW, .custom:
            try rowSection(Section(graph, node: id), id)
        case .reduce(let reduction, let axes, _): try reduce(id, reduction, axes)
        case .fusion(let region): try fusion(id, region)
        case .reshape: aliases[Value(id)] = node.operands[0]
        case .broadcast(let shape): broadcast(id, to: shape)
        case .transpose(let permutation): transpose(id, permutation)
        case .slice(let axis, let start, _): slice(id, axis: axis, start: start)
        case .concatenate(let axis): concatenate(id, axis: axis)
        case .matmul(let transposeLeft, let transposeRight):
            try matmul(id, transposeLeft: transposeLeft, transposeRight: transposeRight)
        case .raggedMatmul(let form, let length): try raggedMatmul(id, form, length)
        case .flashAttention(let attributes): try flashAttention(id, attributes)
        case .flashAttentionGradient(let attributes): try flashAttentionGradient(id, attributes)
        case .scatterAdd: try scatterAdd(id)
        case .coalesce: coalesce(id)
        case .segmentSum: segments(id, .sum)
        case .segmentBroadcast: segments(id, .broadcast)
        }
    }

    /// A region: products with what surrounds them, or rows.
    private mutating func fusion(_ id: NodeID, _ region: Region) throws(IRError) {
        let section = Section(region)
        if section.nodes.contains(where: { section.kind($0) == .contraction }) {
            try contractionSection(section, id)
        } else {
            try rowSection(section, id)
        }
    }

    // MARK: What the families' files use

    func type(_ value: Value) -> TensorType { graph.type(of: value) }

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

    /// One value in every element.
    private mutating func fill(_ id: NodeID, _ type: TensorType, _ program: [ElementOp]) {
        let columns = Extent(type.shape)
        let store = RowProgram.Store.element(.elements(0, type.element, columns: columns), program.count - 1)
        let kernel = RowKernel(
            rows: .one, columns: columns, program: program, stores: [store], tasks: tasks(columns))
        emit(id, [.rows(kernel)])
    }

    private mutating func iota(_ id: NodeID, _ type: TensorType, _ axis: Int) {
        // View the tensor as [before, extent, after]: a row index for the axis needs `after` as columns.
        let after = Extent(type.shape[(axis + 1)...])
        let extent = Extent([type.shape[axis]])
        let before = Extent(type.shape[..<axis])
        var program = ElementProgram()
        let isLast = after == .one
        let index = program.add(isLast ? .column : .row)
        let wrapped: ElementID
        if isLast || before == .one {
            wrapped = index
        } else {
            // row mod extent = row - extent * (row / extent), on integers
            let size = program.add(.cast(program.add(.extent(extent)), .i32))
            let quotient = program.dividing(index, size)
            wrapped = program.subtracting(index, program.multiplying(quotient, size))
        }
        let value = type.element == .i32 ? wrapped : program.add(.cast(wrapped, type.element.computeType))
        let columns = isLast ? extent : after
        let rows = isLast ? before : before * extent
        let kernel = RowKernel(
            rows: rows, columns: columns, program: program.ops,
            stores: [.element(.elements(0, type.element, columns: columns), value)], tasks: 1)
        emit(id, [.rows(kernel)])
    }
}
