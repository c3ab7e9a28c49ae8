import GraphIR

extension Evaluation {
    func indexing(_ op: Op.Indexing, _ shapes: [[Int]]) throws(InterpreterError) -> [[Double]] {
        switch op {
        case .gather: [try gather()]
        case .scatterAdd: [try scatterAdd(shapes[0])]
        case .coalesce: try coalesce(rows: shapes[0][0])
        case .segmentSum: [try segmentSum(shapes[0])]
        case .segmentBroadcast: [try segmentBroadcast(shapes[0])]
        }
    }

    /// Rows of a table; operands (table, ids).
    private func gather() throws(InterpreterError) -> [Double] {
        let table = operands[0]
        let width = table.shape.dropFirst().reduce(1, *)
        var values: [Double] = []
        for (index, id) in operands[1].values.map(ElementType.saturatingInt).enumerated() {
            try check(id, at: index, rows: table.shape[0])
            values += table.values[id * width..<(id + 1) * width]
        }
        return values
    }

    /// Rows added up at their ids; operands (updates, ids).
    private func scatterAdd(_ shape: [Int]) throws(InterpreterError) -> [Double] {
        let updates = operands[0].values
        let width = shape.dropFirst().reduce(1, *)
        var table = Array(repeating: 0.0, count: shape.reduce(1, *))
        for (index, id) in operands[1].values.map(ElementType.saturatingInt).enumerated() {
            try check(id, at: index, rows: shape[0])
            for column in 0..<width { table[id * width + column] += updates[index * width + column] }
        }
        return table
    }

    /// The number of each row and of each id; operand ids.
    private func coalesce(rows: Int) throws(InterpreterError) -> [[Double]] {
        let ids = operands[0].values.map(ElementType.saturatingInt)
        var slots = Array(repeating: ids.count, count: rows)
        var positions: [Int] = []
        var count = 0
        for (index, id) in ids.enumerated() {
            try check(id, at: index, rows: rows)
            if slots[id] == ids.count {
                slots[id] = count
                count += 1
            }
            positions.append(slots[id])
        }
        return [slots.map(Double.init), positions.map(Double.init)]
    }

    private func check(_ id: Int, at index: Int, rows: Int) throws(InterpreterError) {
        guard (0..<rows).contains(id) else {
            throw error("id \(id) at index \(index) is not within 0..<\(rows), the rows of the table")
        }
    }

    /// Sum of each sequence's real rows; operands (x, offsets, lengths).
    private func segmentSum(_ shape: [Int]) throws(InterpreterError) -> [Double] {
        let x = operands[0]
        let width = shape.dropFirst().reduce(1, *)
        var sums = Array(repeating: 0.0, count: shape.reduce(1, *))
        let segments = try segments(offsets: operands[1], lengths: operands[2], tokens: x.shape[0])
        for (sequence, rows) in segments.enumerated() {
            for row in rows {
                for column in 0..<width { sums[sequence * width + column] += x.values[row * width + column] }
            }
        }
        return sums
    }

    /// Each sequence's row at each of its real rows, 0 elsewhere; operands (x, offsets, lengths).
    private func segmentBroadcast(_ shape: [Int]) throws(InterpreterError) -> [Double] {
        let x = operands[0]
        let width = shape.dropFirst().reduce(1, *)
        var values = Array(repeating: 0.0, count: shape.reduce(1, *))
        let segments = try segments(offsets: operands[1], lengths: operands[2], tokens: shape[0])
        for (sequence, rows) in segments.enumerated() {
            for row in rows {
                for column in 0..<width { values[row * width + column] = x.values[sequence * width + column] }
            }
        }
        return values
    }
}
