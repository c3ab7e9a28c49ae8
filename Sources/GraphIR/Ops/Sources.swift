// Sources: nodes without operands.
//
// input          data given at each run
// parameter      a tensor that lives across runs: a weight (trainable or frozen) or optimiser state
// constant       a splat of one number, or dense numbers of a fixed shape
// iota           0, 1, 2, … along one axis, the same along the others
// dimension_size the extent of a dimension, as an i64 scalar

extension Op {
    func sourceTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        try expect(operands, 0...0)
        switch self {
        case .input(_, let type), .parameter(_, let type, _):
            return [type]
        case .constant(let literal, let type):
            if case .dense(let values) = literal {
                let count = type.elementCount
                guard count.symbols.isEmpty, count.factor == values.count else {
                    throw .type("\(values.count) values given for \(type)")
                }
            }
            return [type]
        case .iota(let type, let axis):
            guard type.shape.indices.contains(axis) else {
                throw .type("axis \(axis) is not an axis of \(type)")
            }
            return [type]
        case .dimensionSize(let dimension):
            try dimension.check()
            return [TensorType(.i64, [])]
        default:
            preconditionFailure("not a source: \(mnemonic)")
        }
    }
}
