import GraphIR

/// The forward part of a training graph, as recomputation sees it: the nodes up to the loss that compute activations,
/// what they hand on, and where the same layer comes again.
///
/// Activations are values with a symbol in their shape. What has a fixed shape (parameters in another type, totals)
/// does not grow with the batch and is never computed again.
struct ForwardPass {
    let graph: Graph
    /// The last node of the forward pass.
    let end: NodeID
    /// Nodes that compute activations, in order.
    let nodes: [NodeID]
    /// Outputs and updates of the graph.
    let roots: Set<Value>
    /// The last node of the forward pass that reads a value; absent where none does.
    private(set) var lastReader: [Value: NodeID] = [:]

    /// `nil` for a graph without an output called `loss`.
    init?(_ graph: Graph, loss: String) {
        guard let end = graph.outputs.first(where: { $0.name == loss })?.value.node else { return nil }
        self.graph = graph
        self.end = end
        roots = Set(graph.roots)
        nodes = graph.nodeIDs.filter { id in
            id <= end && !graph[id].isSource && graph[id].types.contains(where: \.isActivation)
        }
        for id in graph.nodeIDs where id <= end {
            for operand in graph[id].operands { lastReader[operand] = id }
        }
    }

    /// Whether nodes of the forward pass from `id` on read a value that comes before it.
    func crosses(_ value: Value, _ id: NodeID) -> Bool {
        value.node < id && !graph[value.node].isSource && graph.type(of: value).isActivation
            && lastReader[value].map { $0 >= id } ?? false
    }

    /// The values that nodes from `id` on take over from earlier ones.
    func crossing(_ id: NodeID) -> [Value] {
        nodes.prefix { $0 < id }.flatMap { node in
            graph[node].types.indices.map { Value(node, result: $0) }.filter { crosses($0, id) }
        }
    }

    // MARK: Layers

    /// The longest stretch of nodes that consists of the same sequence again and again.
    struct Layers {
        /// Places in `nodes`.
        let range: Range<Int>
        /// Nodes of one layer.
        let length: Int

        var count: Int { range.count / length }
    }

    /// The layers; `nil` when nothing repeats.
    ///
    /// Two nodes count as equal when they hold the same products and attention, or without those are the same op, and
    /// their first results have the same type: fusion makes somewhat different regions of a model's first and last
    /// layer. Of stretches of equal extent the one with the shortest layer is taken.
    func layers() -> Layers? {
        var numbers: [Kind: Int] = [:]
        let kinds = nodes.map { id in numbers.assign(Kind(graph[id])) }
        var best: Layers?
        for length in stride(from: 1, through: kinds.count / 2, by: 1) {
            var start = 0
            while start + 2 * length <= kinds.count {
                var end = start
                while end + length < kinds.count, kinds[end] == kinds[end + length] { end += 1 }
                if end - start >= length, end + length - start > best?.range.count ?? 0 {
                    best = Layers(range: start..<(end + length), length: length)
                }
                start = end + 1
            }
        }
        return best
    }

    /// What equal nodes have in common.
    private struct Kind: Hashable {
        let ops: [String]
        let type: TensorType

        init(_ node: Node) {
            type = node.types[0]
            guard case .fusion(let region) = node.op else {
                ops = [node.op.mnemonic]
                return
            }
            let products = region.body.nodes.filter { $0.op.isContraction }
            ops = products.isEmpty ? ["fusion"] : products.map(\.op.mnemonic)
        }
    }
}

extension Dictionary where Value == Int {
    /// The key's number, a new one for a key that has none.
    fileprivate mutating func assign(_ key: Key) -> Int {
        if let known = self[key] { return known }
        self[key] = count
        return count - 1
    }
}

extension TensorType {
    /// Whether its extents depend on what a run is given.
    var isActivation: Bool { shape.contains { $0.fixedExtent == nil } }
}

extension Op {
    fileprivate var isContraction: Bool {
        switch traits.work {
        case .products, .attention: true
        case .none, .elements: false
        }
    }
}
