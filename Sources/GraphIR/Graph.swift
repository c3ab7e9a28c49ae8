/// The index of a node in its graph; nodes stand in an order in which operands come before users.
public struct NodeID: Hashable, Sendable, Comparable {
    public let index: Int
    public init(_ index: Int) { self.index = index }
    public static func < (left: NodeID, right: NodeID) -> Bool { left.index < right.index }
}

/// One result of one node.
public struct Value: Hashable, Sendable {
    public let node: NodeID
    public let result: Int

    public init(_ node: NodeID, result: Int = 0) {
        self.node = node
        self.result = result
    }
}

/// One operation: what it does, what it reads and the types that it produces.
public struct Node: Hashable, Sendable {
    public let op: Op
    public var operands: [Value]
    /// One type a result, derived from the operands by the op's shape rule.
    public let types: [TensorType]
    /// Where the node comes from in the model, e.g. `encoder.layer.0.attention`; for people, never for passes.
    public let label: String

    public init(op: Op, operands: [Value], types: [TensorType], label: String = "") {
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
    public struct Output: Hashable, Sendable {
        public let name: String
        public var value: Value
    }

    /// The new value of a parameter or state after a run; the executor writes it in place.
    public struct Update: Hashable, Sendable {
        public var parameter: Value
        public var value: Value
    }

    public var name: String
    public internal(set) var nodes: [Node] = []
    public internal(set) var outputs: [Output] = []
    public internal(set) var updates: [Update] = []

    public init(name: String) { self.name = name }

    public subscript(_ id: NodeID) -> Node { nodes[id.index] }

    public func type(of value: Value) -> TensorType { nodes[value.node.index].types[value.result] }

    /// Whether this is a result of one of the graph's nodes.
    public func contains(_ value: Value) -> Bool {
        nodes.indices.contains(value.node.index) && self[value.node].types.indices.contains(value.result)
    }

    public var nodeIDs: [NodeID] { nodes.indices.map(NodeID.init) }

    /// Appends a node after checking its operands against the op's shape rule.
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

    public mutating func addOutput(_ name: String, _ value: Value) {
        outputs.append(Output(name: name, value: value))
    }

    public mutating func addUpdate(of parameter: Value, to value: Value) {
        updates.append(Update(parameter: parameter, value: value))
    }

    /// Values that must be computed: outputs and new parameter values.
    public var roots: [Value] { outputs.map(\.value) + updates.map(\.value) }

    public var inputs: [NodeID] {
        nodeIDs.filter { if case .source(.input) = self[$0].op { true } else { false } }
    }

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
            case .source, .elementwise, .dropout, .reduction, .shape, .contraction, .normalisation,
                .attention,
                .loss, .indexing, .optimizer, .custom:
                break
            }
        }
        return symbols.sorted()
    }

    /// How many operands, outputs and updates read each value.
    public func useCounts() -> [Value: Int] {
        var counts: [Value: Int] = [:]
        for node in nodes { for operand in node.operands { counts[operand, default: 0] += 1 } }
        for root in roots { counts[root, default: 0] += 1 }
        return counts
    }
}
