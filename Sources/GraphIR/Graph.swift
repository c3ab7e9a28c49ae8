/// The index of a node in its graph; nodes stand in an order in which operands come before users.
public struct NodeID: Hashable, Sendable, Comparable {
    /// The place in `Graph.nodes`.
    public let index: Int
    package init(_ index: Int) { self.index = index }
    public static func < (left: NodeID, right: NodeID) -> Bool { left.index < right.index }
}

/// One result of one node.
public struct Value: Hashable, Sendable {
    /// The node that computes it.
    public let node: NodeID
    /// Which of the node's results, from 0.
    public let result: Int

    /// Result number `result` of a node; nodes of most ops have one only.
    public init(_ node: NodeID, result: Int = 0) {
        self.node = node
        self.result = result
    }
}

/// One operation: what it does, what it reads and the types that it produces.
public struct Node: Hashable, Sendable {
    /// What the node computes, with its attributes.
    public let op: Op
    /// What it reads, in the order that the op wants; results of earlier nodes.
    public var operands: [Value]
    /// One type a result, derived from the operands by the op's shape rule.
    public let types: [TensorType]
    /// Where the node comes from in the model, e.g. `encoder.layer.0.attention`; for people, never for passes.
    public let label: String

    package init(op: Op, operands: [Value], types: [TensorType], label: String = "") {
        self.op = op
        self.operands = operands
        self.types = types
        self.label = label
    }
}

/// A typed SSA graph of tensor operations: a value type that passes transform.
///
/// Invariants are listed in `Graph.verify()`.
public struct Graph: Hashable, Sendable {
    /// A value that each run hands to its caller.
    public struct Output: Hashable, Sendable {
        /// The name by which the caller gets it.
        public let name: String
        /// The value that is handed out.
        public var value: Value
    }

    /// The new value of a parameter or state after a run; the executor writes it in place.
    public struct Update: Hashable, Sendable {
        /// The result of the `parameter` node that is overwritten, which is not frozen.
        public var parameter: Value
        /// The new value, of the same type.
        public var value: Value
    }

    /// What the graph is called in its text form and in errors.
    public var name: String
    /// All nodes; operands come before the nodes that read them.
    public internal(set) var nodes: [Node] = []
    /// The values that runs hand out, in the order in which they were added.
    public internal(set) var outputs: [Output] = []
    /// The parameters that runs overwrite, each at most once.
    public internal(set) var updates: [Update] = []

    /// An empty graph. `GraphBuilder` is the easier way to write one.
    public init(name: String) { self.name = name }

    /// The node with this index.
    public subscript(_ id: NodeID) -> Node { nodes[id.index] }

    /// Element type and shape of a value of this graph.
    public func type(of value: Value) -> TensorType { nodes[value.node.index].types[value.result] }

    /// Whether this is a result of one of the graph's nodes.
    package func contains(_ value: Value) -> Bool {
        nodes.indices.contains(value.node.index) && self[value.node].types.indices.contains(value.result)
    }

    /// The indices of all nodes, in order.
    public var nodeIDs: [NodeID] { nodes.indices.map(NodeID.init) }

    /// Appends a node after checking its operands against the op's shape rule.
    /// - Returns: the node, whose results are `Value(node, result: 0)` and so on.
    /// - Throws: `IRError` for operands that the graph does not have or that the op can't take.
    @discardableResult
    public mutating func append(_ op: Op, _ operands: [Value], label: String = "") throws(IRError) -> NodeID {
        let id = NodeID(nodes.count)
        var operandTypes: [TensorType] = []
        for operand in operands {
            guard operand.node.index >= 0, operand.node < id,
                self[operand.node].types.indices.contains(operand.result)
            else {
                throw IRError(
                    "V1", "an operand names a value that does not exist before this node", at: "%\(id.index)")
            }
            operandTypes.append(type(of: operand))
        }
        do throws(IRError) {
            let types = try op.resultTypes(operandTypes)
            nodes.append(Node(op: op, operands: operands, types: types, label: label))
        } catch {
            var placed = error
            placed.place = "\(op.mnemonic)\(label.isEmpty ? "" : " \"\(label)\"")"
            throw placed
        }
        return id
    }

    /// Makes runs hand out a value under a name that no other output has.
    public mutating func addOutput(_ name: String, _ value: Value) {
        outputs.append(Output(name: name, value: value))
    }

    /// Makes runs overwrite a parameter with a value of its type, when everything else has read the old one.
    public mutating func addUpdate(of parameter: Value, to value: Value) {
        updates.append(Update(parameter: parameter, value: value))
    }

    /// Values that must be computed: outputs and new parameter values.
    package var roots: [Value] { outputs.map(\.value) + updates.map(\.value) }

    /// The nodes of tensors that the caller gives to each run.
    public var inputs: [NodeID] {
        nodeIDs.filter { if case .source(.input) = self[$0].op { true } else { false } }
    }

    /// The nodes of tensors that live across runs: weights and the optimiser's states.
    public var parameters: [NodeID] {
        nodeIDs.filter { if case .source(.parameter) = self[$0].op { true } else { false } }
    }

    /// All symbols that occur in the types, and those of which a node asks the size, sorted.
    public var symbols: [String] {
        var symbols = Set(nodes.flatMap(\.types).flatMap(\.shape).compactMap(\.symbol))
        for node in nodes {
            switch node.op {
            case .fusion(let region): symbols.formUnion(region.body.symbols)
            case .source(.dimensionSize(let dimension)):
                symbols.formUnion(dimension.symbol.map { [$0] } ?? [])
            case .source, .elementwise, .dropout, .stochasticRound, .reduction, .shape, .contraction,
                .normalisation, .quantization,
                .attention,
                .loss, .indexing, .optimizer, .custom:
                break
            }
        }
        return symbols.sorted()
    }

    /// How many operands, outputs and updates read each value.
    package func useCounts() -> [Value: Int] {
        var counts: [Value: Int] = [:]
        for node in nodes { for operand in node.operands { counts[operand, default: 0] += 1 } }
        for root in roots { counts[root, default: 0] += 1 }
        return counts
    }
}
