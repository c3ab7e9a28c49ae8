import GraphIR
import KernelIR

/// What one kernel computes: some nodes of a graph, with a buffer for each value that they read from outside and
/// for each result that is stored. A lone node and a fusion region are lowered alike.
struct Section {
    /// The whole graph, or the region's body.
    let graph: Graph
    let nodes: [NodeID]
    /// Buffer numbers of values that are computed elsewhere.
    let inputs: [Value: Int]
    let results: [(value: Value, buffer: Int)]
    /// Numbers that the kernel gets as buffers, so that it serves other launches too: streams of random words.
    let streams: [Int]
    /// Buffers of operands, results and streams; working memory comes behind them.
    let bufferCount: Int
    let name: String
    /// Operands and results that lie in rows at a distance, by the values of `graph` that stand for them.
    let views: [Value: StorageView]

    /// What a node computes: a region's body, or the node alone.
    init(_ graph: Graph, _ id: NodeID, views: [Value: StorageView]) {
        if case .fusion(let region) = graph[id].op {
            self.init(region, of: graph, id, views)
        } else {
            self.init(graph, node: id, views)
        }
    }

    private init(_ graph: Graph, node id: NodeID, _ views: [Value: StorageView]) {
        self.graph = graph
        nodes = [id]
        let operands = graph[id].operands
        inputs = Dictionary(zip(operands, operands.indices), uniquingKeysWith: { first, _ in first })
        results = graph[id].types.indices.map { (Value(id, result: $0), operands.count + $0) }
        streams = Self.streams(graph, nodes)
        bufferCount = operands.count + results.count + streams.count
        name = graph[id].op.mnemonic
        let values = operands + results.map(\.value)
        self.views = Self.views(Array(zip(values, values)), views)
    }

    /// A region: buffers are its operands, then its results.
    private init(_ region: Region, of whole: Graph, _ id: NodeID, _ views: [Value: StorageView]) {
        graph = region.body
        let ports = graph.inputs
        let isPort = Set(ports)
        nodes = graph.nodeIDs.filter { !isPort.contains($0) }
        inputs = Dictionary(uniqueKeysWithValues: ports.enumerated().map { (Value($1), $0) })
        results = graph.outputs.enumerated().map { ($1.value, ports.count + $0) }
        streams = Self.streams(graph, nodes)
        bufferCount = ports.count + results.count + streams.count
        name = region.name
        let outer = whole[id].operands + whole[id].types.indices.map { Value(id, result: $0) }
        let inner = ports.map { Value($0) } + graph.outputs.map(\.value)
        self.views = Self.views(Array(zip(inner, outer)), views)
    }

    private static func views(
        _ values: [(inner: Value, outer: Value)], _ views: [Value: StorageView]
    ) -> [Value: StorageView] {
        var found: [Value: StorageView] = [:]
        for (inner, outer) in values {
            if let view = views[outer], !view.isContiguous { found[inner] = view }
        }
        return found
    }

    private static func streams(_ graph: Graph, _ nodes: [NodeID]) -> [Int] {
        var streams: [Int] = []
        for case .some(let stream) in nodes.map({ graph[$0].op.rowStream }) where !streams.contains(stream) {
            streams.append(stream)
        }
        return streams
    }

    /// The buffer of a stream of random words of the section.
    func buffer(ofStream stream: Int) -> Int {
        guard let index = streams.firstIndex(of: stream) else {
            preconditionFailure("a stream of another section")
        }
        return bufferCount - streams.count + index
    }

    func type(_ value: Value) -> TensorType { graph.type(of: value) }

    func operandTypes(_ id: NodeID) -> [TensorType] { graph[id].operands.map(graph.type(of:)) }

    func iteration(_ id: NodeID) -> Iteration { graph[id].iteration(operandTypes(id)) }

    func kind(_ id: NodeID) -> IterationKind { iteration(id).kind }

    /// Whether some node reads an operand as a matrix or by its address, not as elements of its program.
    func readsMemory(of buffer: Int) -> Bool {
        nodes.contains { id in
            let node = graph[id]
            return node.operands.enumerated().contains { position, operand in
                inputs[operand] == buffer
                    && (kind(id) == .contraction || node.op.traits.byAddress.contains(position))
            }
        }
    }

    /// Whether a node is a number of another shape: all that a region reshapes.
    func isReshape(_ id: NodeID) -> Bool {
        if case .shape(.reshape) = graph[id].op { true } else { false }
    }

    /// Whether a value is complete only when all rows are.
    func isSumOverRows(_ value: Value) -> Bool { iteration(value.node).isSumOverRows(value.result) }

    /// The number in every element of a splat constant.
    func splat(_ value: Value) -> Double? {
        if case .source(.constant(.splat(let number), _)) = graph[value.node].op { number } else { nil }
    }
}

extension Op {
    /// The stream of an op that draws random words for each element of its rows; attention has kernels of its own.
    fileprivate var rowStream: Int? {
        switch self {
        case .dropout(let op): op.stream
        case .stochasticRound(let op): op.stream
        case .source, .elementwise, .reduction, .shape, .contraction, .normalisation, .quantization,
            .attention, .loss,
            .indexing, .optimizer, .fusion, .custom:
            nil
        }
    }
}
