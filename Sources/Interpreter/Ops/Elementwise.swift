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
        let key = key
        return eachElement { x, row, column in
            let keeps = Philox.keeps(
                row: row, column: column, stream: op.stream, seed: key.seed, step: key.step, rate: op.rate)
            return keeps ? x / (1 - op.rate) : 0
        }
    }

    func stochasticRound(_ op: Op.StochasticRound) -> [Double] {
        guard rounding else { return operands[0].values }
        let key = key
        return eachElement { x, row, column in
            let bits = Philox.roundingBits(
                row: row, column: column, stream: op.stream, seed: key.seed, step: key.step)
            return Double(Philox.rounded(Float(x), bits: bits))
        }
    }

    /// The generator's key, which is the second operand.
    private var key: (seed: Int, step: Int) {
        let rng = operands[1].values
        return (ElementType.saturatingInt(rng[0]), ElementType.saturatingInt(rng[1]))
    }

    /// The first operand's elements with their rows and columns.
    private func eachElement(_ body: (_ x: Double, _ row: Int, _ column: Int) -> Double) -> [Double] {
        let x = operands[0]
        let columns = x.shape[x.shape.count - 1]
        return x.values.enumerated().map { index, value in body(value, index / columns, index % columns) }
    }
}
