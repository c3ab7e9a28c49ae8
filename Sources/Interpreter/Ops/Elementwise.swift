import GraphIR

extension Evaluation {
    func elementwise(_ op: Op.Elementwise, _ shape: [Int]) throws(InterpreterError) -> [Double] {
        let element = operands[0].element
        /// The values of an operand, repeated to the result's shape.
        func spread(_ operand: Int) -> [Double] {
            let tensor = operands[operand]
            guard tensor.shape != shape else { return tensor.values }
            return Layout.broadcastPositions(tensor.shape, to: shape).map { tensor.values[$0] }
        }
        switch op {
        case .unary(let function):
            let values = operands[0].values.map { Scalar.apply(function, $0) }
            // -lowest and |lowest| do not fit and wrap around.
            return element.isInteger ? values.map { element.wrapped(ElementType.saturatingInt($0)) } : values
        case .unaryGradient(let function):
            return zip(operands[0].values, operands[1].values).map { dy, x in
                dy * Scalar.derivative(function, x)
            }
        case .binary(let function):
            let (a, b) = (spread(0), spread(1))
            guard element.isInteger else { return zip(a, b).map { Scalar.apply(function, $0, $1) } }
            return try integerBinary(function, a, b, element)
        case .compare(let comparison):
            return zip(spread(0), spread(1)).map { Scalar.apply(comparison, $0, $1) ? 1 : 0 }
        case .select:
            return zip(spread(0), zip(spread(1), spread(2))).map { $0 != 0 ? $1.0 : $1.1 }
        case .cast(let target):
            guard element == .i64, target == .i32 else { return operands[0].values }
            return operands[0].values.map { target.wrapped(ElementType.saturatingInt($0)) }
        }
    }

    private func integerBinary(
        _ function: BinaryFunction, _ a: [Double], _ b: [Double], _ element: ElementType
    ) throws(InterpreterError) -> [Double] {
        var values: [Double] = []
        for (index, (left, right)) in zip(a, b).enumerated() {
            let (left, right) = (ElementType.saturatingInt(left), ElementType.saturatingInt(right))
            guard let value = Scalar.apply(function, left, right) else {
                throw error("integer division by zero at element \(index)")
            }
            values.append(element.wrapped(value))
        }
        return values
    }

    /// Elements that the generator keeps, scaled by 1 / (1 - rate); operands (x, rng).
    func dropout(_ op: Op.Dropout) -> [Double] {
        let (x, rng) = (operands[0], operands[1])
        let columns = x.shape[x.shape.count - 1]
        let (seed, step) = (
            ElementType.saturatingInt(rng.values[0]), ElementType.saturatingInt(rng.values[1])
        )
        return x.values.indices.map { index in
            let keeps = Philox.keeps(
                row: index / columns, column: index % columns, stream: op.stream, seed: seed,
                step: step, rate: op.rate)
            return keeps ? x.values[index] / (1 - op.rate) : 0
        }
    }
}
