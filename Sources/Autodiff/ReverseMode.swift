import GraphIR

/// Appends the nodes that compute the gradients of `loss` (an f32 scalar) with respect to `values`, by
/// reverse mode.
///
/// Only nodes on a path from one of `values` to the loss are visited. Where a value is used several times (a
/// shared parameter, say) the contributions of its uses are summed, last use first. New nodes are labelled
/// after the forward node that they belong to: `encoder.layer.0.gradient`.
///
/// - Parameters:
///   - graph: what the nodes are appended to.
///   - loss: f32[], a value of the graph.
///   - values: what to differentiate by, such as parameters.
/// - Returns: one gradient per value, of the value's type; `nil` where the loss does not depend on it.
/// - Throws: when `loss` is no f32 scalar, or an op on the way has no gradient rule for the case at hand.
public func appendGradients(
    to graph: inout Graph, of loss: Value, withRespectTo values: [Value]
) throws(IRError) -> [Value?] {
    guard graph.type(of: loss) == TensorType(.f32, []) else {
        throw IRError("gradient", "a loss is f32[], got \(graph.type(of: loss))", at: graph.place(loss.node))
    }
    var reverse = ReverseMode(graph, of: loss, withRespectTo: values)
    for index in stride(from: loss.node.index, through: 0, by: -1) { try reverse.visit(NodeID(index)) }
    graph = try reverse.builder.finish()
    return values.map { reverse.cotangents[$0]?.value }
}

/// The state of one reverse walk.
private struct ReverseMode {
    let forward: Graph
    let builder: GraphBuilder
    /// Requested values, and the nodes that depend on one of them through floats.
    private let requested: Set<Value>
    private var isActive: [Bool]
    /// The gradient of the loss with respect to each forward value, as far as its users were visited.
    private(set) var cotangents: [Value: Tensor]

    init(_ forward: Graph, of loss: Value, withRespectTo values: [Value]) {
        self.forward = forward
        builder = GraphBuilder(extending: forward)
        requested = Set(values)
        isActive = Array(repeating: false, count: forward.nodes.count)
        cotangents = [:]
        for id in forward.nodeIDs where id <= loss.node {
            isActive[id.index] = forward[id].operands.contains(where: needsGradient)
        }
        guard needsGradient(loss) else { return }
        cotangents[loss] = builder.scope(gradientLabel(loss.node)) { [builder] in builder.scalar(1) }
    }

    /// Whether a requested value reaches the loss through `value`.
    private func needsGradient(_ value: Value) -> Bool {
        forward.type(of: value).element.isFloat && (requested.contains(value) || isActive[value.node.index])
    }

    private func gradientLabel(_ id: NodeID) -> String {
        let label = forward[id].label
        return label.isEmpty ? "gradient" : "\(label).gradient"
    }

    /// Hands the gradients that arrived at a node's results to its operands.
    mutating func visit(_ id: NodeID) throws(IRError) {
        let node = forward[id]
        let arrived = node.types.indices.map { cotangents[Value(id, result: $0)] }
        guard isActive[id.index], arrived.contains(where: { $0 != nil }) else { return }
        let rule = VJP(
            builder: builder, operands: node.operands.map(builder.tensor),
            results: node.types.indices.map { builder.tensor(Value(id, result: $0)) }, cotangents: arrived,
            needed: node.operands.map(needsGradient))
        for (index, gradient) in try gradients(id, rule).enumerated() where rule.needed[index] {
            if let gradient { try add(gradient, to: node.operands[index], from: id) }
        }
    }

    private func gradients(_ id: NodeID, _ rule: VJP) throws(IRError) -> [Tensor?] {
        // `scope` rethrows untyped errors; a Result keeps the type.
        let result: Result<[Tensor?], IRError> = builder.scope(gradientLabel(id)) {
            do throws(IRError) {
                return .success(try forward[id].op.operandGradients(rule))
            } catch {
                return .failure(IRError(error.rule, error.message, at: forward.place(id)))
            }
        }
        return try result.get()
    }

    private mutating func add(_ gradient: Tensor, to operand: Value, from id: NodeID) throws(IRError) {
        guard gradient.type == forward.type(of: operand) else {
            _ = try builder.finish()  // a mistake while building is the better report
            throw IRError(
                "gradient",
                "the gradient rule gave \(gradient.type) for an operand of \(forward.type(of: operand))",
                at: forward.place(id))
        }
        guard let sum = cotangents[operand] else {
            cotangents[operand] = gradient
            return
        }
        cotangents[operand] = builder.scope(gradientLabel(operand.node)) { sum + gradient }
    }
}
