import Foundation
import GraphIR

extension Evaluation {
    /// Results (out, lse); operands (q, k, v, offsets, lengths[, bias][, rng]).
    func flashAttention(_ attributes: AttentionAttributes) throws(InterpreterError) -> [[Double]] {
        let v = operands[2]
        let (heads, depth) = (v.shape[1], v.shape[2])
        let bias = attributes.bias.map { AddedBias($0, operands[5]) }
        var out = Array(repeating: 0.0, count: v.values.count)
        var lse = Array(repeating: -Double.infinity, count: v.shape[0] * heads)
        for rows in try segments(offsets: operands[3], lengths: operands[4], tokens: v.shape[0]) {
            try check(attributes.mask, bias, length: rows.count)
            for token in rows {
                for head in 0..<heads {
                    let row = token * heads + head
                    let scores = scores(operands[0], operands[1], rows, row: row, attributes, bias)
                    guard scores.contains(where: { $0 != nil }) else { continue }
                    let maximum = scores.compactMap { $0 }.reduce(-Double.infinity, Scalar.max)
                    lse[row] = maximum + log(scores.reduce(0) { $0 + ($1.map { exp($0 - maximum) } ?? 0) })
                    for case (let column, let score?) in scores.enumerated() {
                        let weight = exp(score - lse[row]) * kept(attributes, row: row, column: column)
                        let key = ((rows.lowerBound + column) * heads + head) * depth
                        for d in 0..<depth { out[row * depth + d] += weight * v.values[key + d] }
                    }
                }
            }
        }
        return [out, lse]
    }

    /// Results (dq, dk, dv[, dbias]); operands (dout, q, k, v, out, lse, offsets, lengths[, bias][, rng]).
    func flashAttentionGradient(_ attributes: AttentionAttributes) throws(InterpreterError) -> [[Double]] {
        let (dout, q, k, v, out) = (
            operands[0].values, operands[1], operands[2], operands[3].values, operands[4].values
        )
        let (heads, depth) = (q.shape[1], q.shape[2])
        var dq = Array(repeating: 0.0, count: v.count)
        var (dk, dv) = (dq, dq)
        let bias = attributes.bias.map { AddedBias($0, operands[8]) }
        var dbias = Array(repeating: 0.0, count: attributes.hasBiasGradient ? operands[8].values.count : 0)
        for rows in try segments(offsets: operands[6], lengths: operands[7], tokens: q.shape[0]) {
            try check(attributes.mask, bias, length: rows.count)
            for token in rows {
                for head in 0..<heads {
                    let row = token * heads + head
                    let own = row * depth
                    let delta = (0..<depth).reduce(0) { $0 + dout[own + $1] * out[own + $1] }
                    let scores = scores(q, k, rows, row: row, attributes, bias)
                    for case (let column, let score?) in scores.enumerated() {
                        let key = ((rows.lowerBound + column) * heads + head) * depth
                        let factor = kept(attributes, row: row, column: column)
                        let probability = exp(score - operands[5].values[row])
                        let dot = (0..<depth).reduce(0) { $0 + dout[own + $1] * v[key + $1] }
                        let dScore = probability * (factor * dot - delta)
                        if attributes.hasBiasGradient, let bias {
                            dbias[bias.index(head, query: token - rows.lowerBound, key: column)] += dScore
                        }
                        let slope = dScore * attributes.scale
                        for d in 0..<depth {
                            dq[own + d] += slope * k.values[key + d]
                            dk[key + d] += slope * q.values[own + d]
                            dv[key + d] += probability * factor * dout[own + d]
                        }
                    }
                }
            }
        }
        return [dq, dk, dv] + (attributes.hasBiasGradient ? [dbias] : [])
    }

    /// The scores of one row (token * heads + head) against the keys of its sequence, `nil` where the mask or the
    /// bias excludes the key.
    private func scores(
        _ q: HostTensor, _ k: HostTensor, _ keys: Range<Int>, row: Int, _ attributes: AttentionAttributes,
        _ bias: AddedBias?
    ) -> [Double?] {
        let (heads, depth) = (q.shape[1], q.shape[2])
        let (token, head) = (row / heads, row % heads)
        return keys.map { key in
            let (query, column) = (token - keys.lowerBound, key - keys.lowerBound)
            if let mask = attributes.mask, !mask.keeps(query: query, key: column, head: head) { return nil }
            let added = bias.map { $0.values[$0.index(head, query: query, key: column)] } ?? 0
            if added == -.infinity { return nil }
            let (own, other) = (row * depth, (key * heads + head) * depth)
            let dot = (0..<depth).reduce(0) { $0 + q.values[own + $1] * k.values[other + $1] }
            return dot * attributes.scale + added
        }
    }

    private func check(_ mask: AttentionMask?, _ bias: AddedBias?, length: Int) throws(InterpreterError) {
        for (name, size) in [("mask", mask?.size), ("bias", bias?.longest)] {
            guard let size, length > size else { continue }
            throw error("a sequence has \(length) tokens, but the \(name) is for at most \(size)")
        }
    }

    /// What dropout multiplies an element by: 0 or 1 / (1 - rate). The last operand is rng.
    private func kept(_ attributes: AttentionAttributes, row: Int, column: Int) -> Double {
        guard attributes.rate > 0 else { return 1 }
        let rng = operands[operands.count - 1].values.map(ElementType.saturatingInt)
        let keeps = Philox.keeps(
            row: row, column: column, stream: attributes.stream, seed: rng[0], step: rng[1],
            rate: attributes.rate)
        return keeps ? 1 / (1 - attributes.rate) : 0
    }
}

/// The operand that is added to scores.
private struct AddedBias {
    let values: [Double]
    /// The longest sequence that it serves.
    let longest: Int
    private let kind: AttentionBias
    private let columns: Int

    init(_ kind: AttentionBias, _ tensor: HostTensor) {
        self.kind = kind
        values = tensor.values
        columns = tensor.shape[tensor.shape.count - 1]
        longest = kind.longest(columns)
    }

    /// The element of a head and two positions below `longest`.
    func index(_ head: Int, query: Int, key: Int) -> Int {
        switch kind {
        case .pairs: (head * longest + query) * longest + key
        case .distances: head * columns + key - query + longest - 1
        }
    }
}
