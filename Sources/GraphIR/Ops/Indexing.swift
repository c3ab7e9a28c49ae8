// gather             rows of a table: operands (table [rows, …], ids i32[n…]), result [n…, …]
// scatter_add        its transpose: operands (updates [n, …], ids i32[n]), result [rows, …]; equal ids add up in
//                    the order of the updates
// coalesce           numbers the different ids in the order of their first places: operand ids i32[n] of a table with
//                    `rows` rows, results (slots i32[rows], positions i32[n]): the number of each row, n where no id
//                    names it, and the number of each id. A scatter_add to `positions` keeps only the rows that it
//                    touches, as torch.sparse's coalesce does, and a gather at `slots` reads them as a table
// segment_sum        sum over the real rows of each sequence: operands (x [tokens, …], offsets, lengths),
//                    result [sequences, …]; see ragged_matmul for offsets and lengths
// segment_broadcast  its transpose: each sequence's row at each of its real tokens, 0 at padding

extension Op {
    func indexingTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard let x = operands.first, x.rank >= 1 else {
            throw .type("needs a tensor with at least one axis")
        }
        let row = Array(x.shape.dropFirst())
        switch self {
        case .gather:
            try expect(operands, 2...2)
            guard operands[1].element == .i32 else { throw .type("ids must be i32, got \(operands[1])") }
            return [TensorType(x.element, operands[1].shape + row)]
        case .scatterAdd(let rows):
            try expect(operands, 2...2)
            guard operands[1] == TensorType(.i32, [x.shape[0]]), x.element.isFloat else {
                throw .type("needs float updates [n, …] and ids i32[n], got \(x) and \(operands[1])")
            }
            return [TensorType(x.element, [rows] + row)]
        case .coalesce(let rows):
            try expect(operands, 1...1)
            guard x.element == .i32, x.rank == 1 else { throw .type("needs ids i32[n], got \(x)") }
            return [TensorType(.i32, [rows]), x]
        case .segmentSum:
            try expect(operands, 3...3)
            try checkSegments(operands[1], operands[2])
            return [TensorType(x.element, operands[2].shape + row)]
        case .segmentBroadcast(let tokens):
            try expect(operands, 3...3)
            try checkSegments(operands[1], operands[2])
            guard x.shape[0] == operands[2].shape[0] else { throw .type("\(x) has not one row a sequence") }
            return [TensorType(x.element, [tokens] + row)]
        default:
            preconditionFailure("not an indexing op: \(mnemonic)")
        }
    }

    func indexingVJP(_ rule: VJP) -> [Tensor?] {
        let (x, dy, g) = (rule.operands[0], rule.cotangent, rule.builder)
        guard x.type.element.isFloat else { return rule.operands.map { _ in nil } }
        switch self {
        case .gather:
            // ids of any rank are one list of rows to the scatter.
            let ids = rule.operands[1]
            guard let count = ids.shape.count == 1 ? ids.shape[0] : ids.flatExtent else {
                return [
                    g.fail(IRError("gradient", "ids of \(ids.type) can't be flattened to one axis")), nil,
                ]
            }
            let updates = dy.reshaped([count] + x.shape.dropFirst())
            return [g.apply(.scatterAdd(rows: x.shape[0]), [updates, ids.reshaped([count])]), nil]
        case .scatterAdd:
            return [g.apply(.gather, [dy, rule.operands[1]]), nil]
        case .segmentSum:
            return [g.apply(.segmentBroadcast(tokens: x.shape[0]), [dy] + rule.operands[1...]), nil, nil]
        case .segmentBroadcast:
            return [g.apply(.segmentSum, [dy] + rule.operands[1...]), nil, nil]
        default:
            preconditionFailure("not an indexing op: \(mnemonic)")
        }
    }
}
