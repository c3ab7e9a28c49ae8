import GraphIR

extension Evaluation {
    func source(_ shape: [Int]) throws(InterpreterError) -> [Double] {
        switch op {
        case .constant(.splat(let value), _):
            return Array(repeating: value, count: shape.reduce(1, *))
        case .constant(.dense(let values), _):
            return values
        case .iota(_, let axis):
            let along = shape.indices.map { $0 == axis ? 1 : 0 }
            return Layout.positions(shape, strides: along).map(Double.init)
        case .dimensionSize(let dimension):
            return [Double(try extent(dimension))]
        default:
            preconditionFailure("not a source: \(op.mnemonic)")
        }
    }
}
