import GraphIR

extension ElementProgram {
    /// The type of each step; throws for one that can't take what it reads.
    package func types() throws(IRError) -> [ElementType] { try Self.types(of: ops) }

    package static func types(of ops: [ElementOp]) throws(IRError) -> [ElementType] {
        var types: [ElementType] = []
        for op in ops {
            guard op.operands.allSatisfy(types.indices.contains) else {
                throw IRError("lowering", "step \(types.count) (\(op)) of its kernel reads a later step")
            }
            guard op.takes(op.operands.map { types[$0] }) else {
                let given = op.operands.map { types[$0].rawValue }.joined(separator: ", ")
                throw IRError("lowering", "step \(types.count) (\(op)) of its kernel can't take \(given)")
            }
            types.append(op.type(types))
        }
        return types
    }
}

extension ElementOp {
    /// Whether the step is defined for operands of these types.
    fileprivate func takes(_ types: [ElementType]) -> Bool {
        switch self {
        case .load, .constant, .column, .row, .extent, .cast, .reduce, .keep: true
        case .unary(.not, _): types[0] == .bool
        case .unary(let function, _):
            types[0].isFloat || (types[0] != .bool && [.neg, .abs, .sign].contains(function))
        case .binary(let function, _, _):
            types[0] == types[1] && (types[0] == .bool) == (function == .and || function == .or)
        case .compare: types[0] == types[1]
        case .select: types[0] == .bool && types[1] == types[2]
        case .stochasticRound: types[0] == .f32
        }
    }
}
