import GraphIR

extension Evaluation {
    func contraction(_ op: Op.Contraction, _ shape: [Int]) throws(InterpreterError) -> [Double] {
        switch op {
        case .matmul(let left, let right): matmul(transposeLeft: left, transposeRight: right)
        case .raggedMatmul(let form, let length):
            try raggedMatmul(form, length: try extent(length), shape)
        }
    }

    /// C[b…, m, n] = Σ_k A[b…, m, k] B[b…, k, n]; a B of two axes is the same for all b.
    private func matmul(transposeLeft: Bool, transposeRight: Bool) -> [Double] {
        let (a, b) = (operands[0], operands[1])
        let rank = a.shape.count
        let isShared = b.shape.count < rank
        let (aRows, aColumns) = (a.shape[rank - 2], a.shape[rank - 1])
        let (bRows, bColumns) = (b.shape[b.shape.count - 2], b.shape[b.shape.count - 1])
        let (m, inner) = transposeLeft ? (aColumns, aRows) : (aRows, aColumns)
        let n = transposeRight ? bRows : bColumns
        var c: [Double] = []
        for batch in 0..<a.shape[..<(rank - 2)].reduce(1, *) {
            let (aStart, bStart) = (batch * aRows * aColumns, isShared ? 0 : batch * bRows * bColumns)
            for i in 0..<m {
                for j in 0..<n {
                    var sum = 0.0
                    for k in 0..<inner {
                        let left = a.values[aStart + (transposeLeft ? k * aColumns + i : i * aColumns + k)]
                        let right = b.values[bStart + (transposeRight ? j * bColumns + k : k * bColumns + j)]
                        sum += left * right
                    }
                    c.append(sum)
                }
            }
        }
        return c
    }

    /// The three products of attention over packed sequences; operands (a, b, offsets, lengths).
    private func raggedMatmul(_ form: RaggedForm, length: Int, _ shape: [Int]) throws(InterpreterError)
        -> [Double]
    {
        let (a, b) = (operands[0], operands[1])
        let (heads, depth) = (b.shape[1], b.shape[2])
        var result = Array(repeating: 0.0, count: shape.reduce(1, *))
        for rows in try segments(offsets: operands[2], lengths: operands[3], tokens: a.shape[0]) {
            guard rows.count <= length else {
                throw error("a sequence of \(rows.count) rows does not fit the length \(length)")
            }
            for i in 0..<rows.count {
                for j in 0..<rows.count {
                    for h in 0..<heads {
                        let score = ((rows.lowerBound + i) * heads + h) * length + j  // [t, h, j]
                        let query = ((rows.lowerBound + i) * heads + h) * depth  // [t, h, 0]
                        let key = ((rows.lowerBound + j) * heads + h) * depth  // [offsets[s]+j, h, 0]
                        for d in 0..<depth {
                            switch form {
                            case .scores: result[score] += a.values[query + d] * b.values[key + d]
                            case .context: result[query + d] += a.values[score] * b.values[key + d]
                            case .transposed: result[key + d] += a.values[score] * b.values[query + d]
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// The real rows of each sequence.
    func segments(
        offsets: HostTensor, lengths: HostTensor, tokens: Int
    ) throws(InterpreterError) -> [Range<Int>] {
        let starts = offsets.values.map(ElementType.saturatingInt)
        var rows: [Range<Int>] = []
        for (sequence, length) in lengths.values.map(ElementType.saturatingInt).enumerated() {
            let (start, end) = (starts[sequence], starts[sequence + 1])
            guard start >= 0, start <= end, end <= tokens else {
                throw error("sequence \(sequence) has rows \(start)..<\(end), not within 0..<\(tokens)")
            }
            guard length >= 0, length <= end - start else {
                throw error("sequence \(sequence) has \(length) real rows of \(end - start)")
            }
            rows.append(start..<start + length)
        }
        return rows
    }
}
