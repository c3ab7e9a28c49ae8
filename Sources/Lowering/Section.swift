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
    /// Numbers that the kernel gets as buffers, so that it serves other launches too: streams of dropout.
    let streams: [Int]
    /// Buffers of operands, results and streams; working memory comes behind them.
    let bufferCount: Int
    let name: String

    /// One node of `graph`.
    init(_ graph: Graph, node id: NodeID) {
        self.graph = graph
        nodes = [id]
        let operands = graph[id].operands
        inputs = Dictionary(zip(operands, operands.indices), uniquingKeysWith: { first, _ in first })
        results = graph[id].types.indices.map { (Value(id, result: $0), operands.count + $0) }
        streams = Self.streams(graph, nodes)
        bufferCount = operands.count + results.count + streams.count
        name = graph[id].op.mnemonic
    }

    /// A region: buffers are its operands, then its results.
    init(_ region: Region) {
        graph = region.body
        let ports = graph.inputs
        let isPort = Set(ports)
        nodes = graph.nodeIDs.filter { !isPort.contains($0) }
        inputs = Dictionary(uniqueKeysWithValues: ports.enumerated().map { (Value($1), $0) })
        results = graph.outputs.enumerated().map { ($1.value, ports.count + $0) }
        streams = Self.streams(graph, nodes)
        bufferCount = ports.count + results.count + streams.count
        name = region.name
    }

    private static func streams(_ graph: Graph, _ nodes: [NodeID]) -> [Int] {
        var streams: [Int] = []
        for case .dropout(let dropout) in nodes.map({ graph[$0].op }) where !streams.contains(dropout.stream)
        {
            streams.append(dropout.stream)
        }
        return streams
    }

    /// The buffer of a dropout stream of the section.
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

    /// The number in every element of a splat constant.
    func splat(_ value: Value) -> Double? {
        if case .source(.constant(.splat(let number), _)) = graph[value.node].op { number } else { nil }
    }
}
