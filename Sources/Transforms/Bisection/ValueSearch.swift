import GraphIR
import Interpreter

/// Finds the node of a graph that computes what the graph before it did not.
///
/// Passes rewrite, so nodes of two graphs do not correspond; but on random input equal values mean the same. A new
/// value is no mistake as long as what is computed from it is known again. The culprit is therefore looked for among
/// the nodes from which unknown values lead to a wrong result, and is the first of them.
struct ValueSearch {
    private let symbols: [String: Int]
    private let tolerance: Double
    /// What the graph before computes, within regions as well.
    private var known: [[Int]: [HostTensor]] = [:]

    init(
        before graph: Graph, _ inputs: [String: HostTensor], symbols: [String: Int], tolerance: Double
    ) throws(InterpreterError) {
        (self.symbols, self.tolerance) = (symbols, tolerance)
        try learn(graph, inputs)
    }

    private mutating func learn(_ graph: Graph, _ inputs: [String: HostTensor]) throws(InterpreterError) {
        let values = try values(of: graph, inputs)
        for tensor in values.flatMap({ $0 }) { known[tensor.shape, default: []].append(tensor) }
        for node in graph.nodes {
            if case .fusion(let region) = node.op { try learn(region.body, Self.operands(of: node, values)) }
        }
    }

    private func isKnown(_ tensor: HostTensor) -> Bool {
        known[tensor.shape]?.contains { candidate in
            candidate.element == tensor.element
                && Bisection.difference(tensor, candidate) <= tolerance
        } ?? false
    }

    /// The place of the first unknown node that leads to one of `roots`, within a region's body if that can be told.
    func firstUnknown(
        in graph: Graph, _ inputs: [String: HostTensor], from roots: [Value]
    ) throws(InterpreterError) -> String? {
        let values = try values(of: graph, inputs)
        var pending = roots
        var unknown: Set<Value> = []
        while let value = pending.popLast() {
            guard !isKnown(values[value.node.index][value.result]), unknown.insert(value).inserted else {
                continue
            }
            pending += graph[value.node].operands
        }
        guard let first = unknown.map(\.node).min() else { return nil }
        guard case .fusion(let region) = graph[first].op else { return graph.place(first) }
        let wrong = unknown.filter { $0.node == first }.map { region.body.outputs[$0.result].value }
        let inner = try firstUnknown(in: region.body, Self.operands(of: graph[first], values), from: wrong)
        return graph.place(first) + (inner.map { ", in it \($0)" } ?? "")
    }

    private func values(
        of graph: Graph, _ inputs: [String: HostTensor]
    ) throws(InterpreterError) -> [[HostTensor]] {
        try Interpreter(graph: graph, rounding: false).run(inputs, symbols: symbols, keepValues: true).values
    }

    /// What a region reads, as inputs of its body.
    private static func operands(of node: Node, _ values: [[HostTensor]]) -> [String: HostTensor] {
        var operands: [String: HostTensor] = [:]
        for (index, operand) in node.operands.enumerated() {
            operands[Region.portName(index)] = values[operand.node.index][operand.result]
        }
        return operands
    }
}
