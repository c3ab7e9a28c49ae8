import GraphIR

extension Evaluation {
    func source(_ source: Op.Source, _ shape: [Int]) throws(InterpreterError) -> [Double] {
        switch source {
        case .input, .parameter:
            throw error("inputs and parameters are given, not computed")
        case .constant(.splat(let value), _):
            return Array(repeating: value, count: shape.reduce(1, *))
        case .constant(.dense(let values), _):
            return values
        case .iota(_, let axis):
            let along = shape.indices.map { $0 == axis ? 1 : 0 }
            return Layout.positions(shape, strides: along).map(Double.init)
        case .dimensionSize(let dimension):
            return [Double(try extent(dimension))]
        }
    }
}
