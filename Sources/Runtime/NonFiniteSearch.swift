import GraphIR
import Interpreter
import KernelIR

/// Looks for the node that made the first NaN or infinity of a run.
struct NonFiniteSearch {
    let binding: ProgramBinding
    let launcher: Launcher

    private var program: Program { binding.program }

    /// The first number of a value that is none; `nil` when all are, or the value is not f32.
    ///
    /// - Parameter allowsMinusInfinity: whether -infinity counts as a number.
    func firstNonFinite(_ value: Value, allowsMinusInfinity: Bool = false) -> Float? {
        guard program.graph.type(of: value).element == .f32 else { return nil }
        for row in binding.rows(of: value) {
            let wrong = row.bindMemory(to: Float.self).first {
                !$0.isFinite && !(allowsMinusInfinity && $0 == -.infinity)
            }
            if let wrong { return wrong }
        }
        return nil
    }

    /// Runs the launches again one by one and looks at what each wrote.
    func cause(
        of output: String, _ inputs: [String: TensorData], _ symbols: [String: Int]
    ) throws -> ExecutionError {
        try binding.bind(inputs, symbols)
        for id in program.graph.parameters {
            guard case .source(.parameter(let name, _, let role)) = program.graph[id].op, role != .accumulator
            else {
                continue
            }
            if let number = firstNonFinite(Value(id)) {
                return ExecutionError(
                    "holds \(number)", at: "parameter \"\(name)\"", isNonFinite: true)
            }
        }
        let exempt = program.graph.valuesWithMinusInfinity
        let schedule = binding.schedule
        for index in 0..<schedule.firstUpdate {
            try launcher.launch(index..<(index + 1))
            let node = schedule.launches[index].node
            for result in program.graph[node].types.indices {
                let value = Value(node, result: result)
                guard schedule.launches[index].buffers.contains(.value(value)) else { continue }
                if let number = firstNonFinite(value, allowsMinusInfinity: exempt.contains(value)) {
                    return ExecutionError(
                        "is the first node to produce \(number); output \"\(output)\" is not finite",
                        at: placeOfNonFinite(node), isNonFinite: true)
                }
            }
        }
        return ExecutionError("is not finite", at: "output \"\(output)\"", isNonFinite: true)
    }

    /// A node that made a NaN or an infinity; of a region, the first such node in it.
    private func placeOfNonFinite(_ id: NodeID) -> String {
        let place = program.graph.place(id)
        guard case .fusion(let region) = program.graph[id].op else { return place }
        var inputs: [String: HostTensor] = [:]
        for (index, operand) in program.graph[id].operands.enumerated() {
            guard let tensor = try? HostTensor(binding.data(operand)) else { return place }
            inputs[Region.portName(index)] = tensor
        }
        let interpreter = Interpreter(graph: region.body)
        guard
            let values = try? interpreter.run(
                inputs, symbols: binding.bound?.symbols ?? [:], keepValues: true
            )
            .values,
            let inner = values.firstIndex(where: { results in
                results.contains { !$0.values.allSatisfy(\.isFinite) }
            })
        else { return place }
        return "\(region.body.place(NodeID(inner))) in \(place)"
    }
}

extension Graph {
    /// Where -infinity means that there is no key: attention's biases, and its lse.
    fileprivate var valuesWithMinusInfinity: Set<Value> {
        var values: Set<Value> = []
        for id in nodeIDs {
            guard case .attention(let attention) = self[id].op else { continue }
            let operands = AttentionOperands(attention, self[id].operands)
            if operands.results == nil { values.insert(Value(id, result: 1)) }
            if let bias = operands.bias { values.insert(bias) }
        }
        return values
    }
}

extension HostTensor {
    /// The same numbers; `nil` for element types that hold no plain floats or integers.
    fileprivate init?(_ data: TensorData) throws(ExecutionError) {
        let values: [Double]
        switch data.element {
        case .f32: values = try data.floats.map(Double.init)
        case .i32: values = try data.integers.map(Double.init)
        case .i64: values = try data.longs.map(Double.init)
        case .i8: values = data.bytes.map { Double(Int8(bitPattern: $0)) }
        case .bool: values = data.bytes.map { $0 == 0 ? 0 : 1 }
        case .bf16, .f16: return nil
        }
        self.init(element: data.element, shape: data.shape, values: values)
    }
}
