import GraphIR
import Interpreter
import KernelIR
import Runtime
import Transforms

extension Compiler {
    /// Steps that the interpreter does in a second, about.
    private static let interpretedOperationsPerSecond = 400e6

    /// What `bisect` will take at most, in seconds, about.
    package func bisectionSeconds(
        _ graph: Graph, symbols: [String: Int], passes: PassPipeline? = nil
    ) -> Double {
        let runs = Double(2 + (passes ?? pipeline).passes.count)
        return Double(graph.interpretedOperationCount(symbols)) * runs / Self.interpretedOperationsPerSecond
    }

    /// Compares what each pass and then the kernels make of `graph` with the interpreter, on random input.
    ///
    /// - Parameters:
    ///   - symbols: a value for every symbol of the graph; small ones, since the interpreter is slow.
    ///   - passes: the compiler's own by default.
    ///   - seed: of the random input.
    package func bisect(
        _ graph: Graph, symbols: [String: Int], passes: PassPipeline? = nil, seed: UInt64 = 1
    ) throws -> Bisection {
        var random = RandomInputs(graph, symbols: symbols, seed: seed)
        let inputs = random.tensors()
        var (bisection, last) = try Bisection.run(
            graph, passes: passes ?? pipeline, options: options.passes, inputs: inputs, symbols: symbols,
            precision: self.options.precision)
        if bisection.divergence == nil { try compareKernels(of: last, inputs, symbols, &bisection) }
        return bisection
    }

    /// Compiles the graph, runs it once and appends how far its results are from the interpreter's.
    private func compareKernels(
        of graph: Graph, _ inputs: [String: HostTensor], _ symbols: [String: Int],
        _ bisection: inout Bisection
    ) throws {
        let expected = try Interpreter(graph: graph).run(inputs, symbols: symbols, keepValues: true)
        let (outputs, updates) = try runOnce(graph, inputs, symbols)
        let worst = Bisection.worst(outputs: outputs, updates: updates, against: expected)
        let name = "kernels for \(instructionSet)"
        bisection.stages.append(
            Bisection.Stage(name: name, nodeCount: graph.nodes.count, difference: worst?.difference ?? 0))
        guard let worst, !(worst.difference <= bisection.tolerance.kernels) else { return }
        bisection.divergence = Bisection.Divergence(
            stage: name, result: worst.name,
            place: try firstWrongKernel(graph, inputs, symbols, expected, bisection.tolerance.kernels),
            difference: worst.difference)
    }

    /// Runs the graph with every value as an output; the first node whose value is wrong.
    private func firstWrongKernel(
        _ graph: Graph, _ inputs: [String: HostTensor], _ symbols: [String: Int],
        _ expected: InterpreterResult, _ tolerance: Double
    ) throws -> String? {
        var open = Graph(name: graph.name)
        for node in graph.nodes { try open.append(node.op, node.operands, label: node.label) }
        for id in graph.nodeIDs {
            for result in graph[id].types.indices {
                let value = Value(id, result: result)
                open.addOutput(graph.name(value), value)
            }
        }
        let outputs = try runOnce(open, inputs, symbols).outputs
        let wrong = graph.nodeIDs.first { id in
            graph[id].types.indices.contains { result in
                let tensor = outputs[graph.name(Value(id, result: result))]
                return
                    !(Bisection.difference(tensor, expected.values[id.index][result]) <= tolerance)
            }
        }
        return wrong.map(graph.place)
    }

    private func runOnce(
        _ graph: Graph, _ inputs: [String: HostTensor], _ symbols: [String: Int]
    ) throws -> (outputs: [String: HostTensor], updates: [String: HostTensor]) {
        let parameters = ParameterStore()
        let executor = try executor(try lower(graph), parameters: parameters)
        var given: [String: TensorData] = [:]
        for node in graph.nodes {
            guard let name = node.op.suppliedName, let tensor = inputs[name] else { continue }
            if case .source(.parameter) = node.op {
                try parameters.set(name, TensorData(tensor))
            } else {
                given[name] = try TensorData(tensor)
            }
        }
        let outputs = try executor.run(given, symbols: symbols)
        var updates: [String: HostTensor] = [:]
        for update in graph.updates {
            guard case .source(.parameter(let name, _, _)) = graph[update.parameter.node].op else { continue }
            updates[name] = try parameters.get(name).map(HostTensor.init)
        }
        return (try outputs.mapValues(HostTensor.init), updates)
    }
}

extension TensorData {
    fileprivate init(_ tensor: HostTensor) throws(ExecutionError) {
        try self.init(element: tensor.element, shape: tensor.shape, bytes: tensor.bytes)
    }
}

extension HostTensor {
    fileprivate init(_ data: TensorData) throws(InterpreterError) {
        try self.init(element: data.element, shape: data.shape, bytes: data.bytes)
    }
}
