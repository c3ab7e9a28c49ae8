import GraphIR

extension Evaluation {
    /// The region's body on the operands. Values within the body are rounded to their element types as they
    /// would be outside.
    func fusion(_ region: Region) throws(InterpreterError) -> [[Double]] {
        var inputs: [String: HostTensor] = [:]
        for (index, operand) in operands.enumerated() { inputs[Region.portName(index)] = operand }
        let result = try Interpreter(graph: region.body, rounding: rounding).run(inputs, symbols: symbols)
        return region.body.outputs.map { result.outputs[$0.name]?.values ?? [] }
    }
}
