import GraphIR

/// Runs a graph with plain loops: the definition of what every op computes, and the oracle for compiled code.
///
/// ```swift
/// let result = try Interpreter(graph: graph).run(["x": HostTensor([1, 2, 3, 4], shape: [2, 2])])
/// print(result.outputs["y"]!.values)
/// ```
///
/// All arithmetic on floats is done in `Double`.
package struct Interpreter: Sendable {
    package let graph: Graph
    /// Whether each node's float results are rounded to their element type. Without it everything stays `Double`,
    /// which is what central differences need.
    package let rounding: Bool

    package init(graph: Graph, rounding: Bool = true) {
        self.graph = graph
        self.rounding = rounding
    }

    /// Computes every node.
    ///
    /// - Parameters:
    ///   - inputs: a tensor for each input and parameter, by name; names that the graph lacks are ignored.
    ///   - symbols: values of symbols that no shape of an input or parameter fixes.
    ///   - keepValues: whether the result holds what every node computed.
    /// - Throws: `InterpreterError` for a missing or ill-shaped tensor, symbols that disagree or have no value,
    ///   ids or labels out of range, and sequences that do not fit.
    package func run(
        _ inputs: [String: HostTensor], symbols: [String: Int] = [:], keepValues: Bool = false
    ) throws(InterpreterError) -> InterpreterResult {
        let sources = try bindSources(inputs, symbols)
        var values: [[HostTensor]] = []
        for id in graph.nodeIDs {
            if let tensor = sources.tensors[id] {
                values.append([rounding ? tensor.rounded : tensor])
                continue
            }
            let node = graph[id]
            let place = graph.place(id)
            let evaluation = Evaluation(
                op: node.op, operands: node.operands.map { values[$0.node.index][$0.result] },
                types: node.types, symbols: sources.symbols, place: place, rounding: rounding)
            values.append(try evaluation.results())
        }
        func tensor(_ value: Value) -> HostTensor { values[value.node.index][value.result] }
        var result = InterpreterResult(symbols: sources.symbols)
        for output in graph.outputs { result.outputs[output.name] = tensor(output.value) }
        for update in graph.updates {
            guard case .source(.parameter(let name, _, _)) = graph[update.parameter.node].op else {
                throw InterpreterError(
                    "an update's target is not a parameter", at: graph.place(update.parameter.node))
            }
            result.updates[name] = tensor(update.value)
        }
        if keepValues { result.values = values }
        return result
    }

    /// The tensor of each input and parameter, and the symbols that their shapes fix.
    private func bindSources(
        _ inputs: [String: HostTensor], _ symbols: [String: Int]
    ) throws(InterpreterError) -> (tensors: [NodeID: HostTensor], symbols: [String: Int]) {
        var binding = SymbolBinding(symbols)
        var tensors: [NodeID: HostTensor] = [:]
        for id in graph.nodeIDs {
            let node = graph[id]
            guard let name = node.op.suppliedName else { continue }
            let (kind, type) = (node.op.mnemonic, node.types[0])
            guard let tensor = inputs[name] else {
                throw InterpreterError("no tensor was given; it needs \(type)", at: "\(kind) \"\(name)\"")
            }
            let place = "\(kind) \"\(name)\""
            do throws(IRError) {
                try binding.bind(type, to: tensor.element, tensor.shape, at: place)
            } catch {
                throw InterpreterError(error.message, at: error.place)
            }
            guard tensor.values.count == tensor.shape.reduce(1, *) else {
                throw InterpreterError("\(tensor.values.count) values do not fill \(tensor.shape)", at: place)
            }
            tensors[id] = tensor
        }
        return (tensors, binding.values)
    }
}

/// What a run of a graph computed.
package struct InterpreterResult: Sendable, Equatable {
    /// By output name.
    package internal(set) var outputs: [String: HostTensor] = [:]
    /// New values of parameters, by parameter name.
    package internal(set) var updates: [String: HostTensor] = [:]
    /// Results of each node, in node order; empty unless asked for.
    package internal(set) var values: [[HostTensor]] = []
    /// The value of each symbol.
    package let symbols: [String: Int]

    init(symbols: [String: Int]) { self.symbols = symbols }
}
