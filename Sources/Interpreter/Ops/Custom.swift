import GraphIR

extension Evaluation {
    /// What the definition of a custom op computes; its errors are reported at the node.
    func custom(_ op: CustomOp, _ shapes: [[Int]]) throws(InterpreterError) -> [[Double]] {
        let values: [[Double]]
        do {
            values = try op.evaluate(operands.map { CustomOperand(shape: $0.shape, values: $0.values) })
        } catch {
            throw self.error("\(error)")
        }
        guard values.map(\.count) == shapes.map({ $0.reduce(1, *) }) else {
            throw self.error("its evaluation gives \(values.map(\.count)) values for shapes \(shapes)")
        }
        return values
    }
}
