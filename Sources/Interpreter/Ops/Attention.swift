import Foundation
import GraphIR

extension Evaluation {
    func attention(_ op: Op.Attention) throws(InterpreterError) -> [[Double]] {
        var x = AttentionOperands(op, operands)
        let angles = x.rotary.map(Angles.init)
        if let angles { (x.q, x.k) = (angles.turned(x.q), angles.turned(x.k)) }
        let rows = AttentionRows(x, op.attributes)
        let segments = try segments(offsets: x.offsets, lengths: x.lengths, tokens: x.q.shape[0])
        for tokens in segments { try check(rows, length: tokens.count) }
        return switch x.results {
        case nil: forward(rows, v: x.v, segments)
        case let results?: turnedBack(gradient(rows, v: x.v.values, results, segments), angles)
        }
    }

    /// The gradients with respect to what was turned of the queries and keys.
    private func turnedBack(_ gradients: [[Double]], _ angles: Angles?) -> [[Double]] {
        guard let angles else { return gradients }
        return gradients.enumerated().map { $0 < 2 ? angles.turned($1, sign: -1) : $1 }
    }

    /// Results (out, lse).
    private func forward(_ rows: AttentionRows, v: HostTensor, _ segments: [Range<Int>]) -> [[Double]] {
        let (heads, depth) = (v.shape[1], v.shape[2])
        var out = Array(repeating: 0.0, count: v.values.count)
        var lse = Array(repeating: -Double.infinity, count: v.shape[0] * heads)
        for tokens in segments {
            for token in tokens {
                for head in 0..<heads {
                    let row = token * heads + head
                    let scores = rows.scores(row, keys: tokens)
                    guard scores.contains(where: { $0 != nil }) else { continue }
                    let maximum = scores.compactMap { $0 }.reduce(-Double.infinity, Scalar.max)
                    lse[row] = maximum + log(scores.reduce(0) { $0 + ($1.map { exp($0 - maximum) } ?? 0) })
                    for case (let column, let score?) in scores.enumerated() {
                        let weight = exp(score - lse[row]) * rows.kept(row, column)
                        let key = ((tokens.lowerBound + column) * heads + head) * depth
                        for d in 0..<depth { out[row * depth + d] += weight * v.values[key + d] }
                    }
                }
            }
        }
        return [out, lse]
    }

    /// Results (dq, dk, dv[, dbias][, dkeys][, dqueries]), the last of relative positions.
    private func gradient(
        _ rows: AttentionRows, v: [Double], _ results: AttentionOperands<HostTensor>.Results,
        _ segments: [Range<Int>]
    ) -> [[Double]] {
        let (q, k, bias, attributes) = (rows.q, rows.k, rows.bias, rows.attributes)
        let (dout, out, lse) = (results.dout.values, results.out.values, results.lse.values)
        let (heads, depth) = (q.shape[1], q.shape[2])
        var dq = Array(repeating: 0.0, count: v.count)
        var (dk, dv) = (dq, dq)
        var dbias = Array(repeating: 0.0, count: attributes.hasBiasGradient ? bias?.values.count ?? 0 : 0)
        let (keys, queries) = (rows.relativeKeys, rows.relativeQueries)
        var dkeys = Array(repeating: 0.0, count: keys?.values.count ?? 0)
        var dqueries = Array(repeating: 0.0, count: queries?.values.count ?? 0)
        for tokens in segments {
            for token in tokens {
                for head in 0..<heads {
                    let row = token * heads + head
                    let own = row * depth
                    let delta = (0..<depth).reduce(0) { $0 + dout[own + $1] * out[own + $1] }
                    let scores = rows.scores(row, keys: tokens)
                    for case (let column, let score?) in scores.enumerated() {
                        let key = ((tokens.lowerBound + column) * heads + head) * depth
                        let factor = rows.kept(row, column)
                        let probability = exp(score - lse[row])
                        let dot = (0..<depth).reduce(0) { $0 + dout[own + $1] * v[key + $1] }
                        let dScore = probability * (factor * dot - delta)
                        if attributes.hasBiasGradient, let bias {
                            dbias[bias.index(head, query: token - tokens.lowerBound, key: column)] += dScore
                        }
                        let slope = dScore * attributes.scale
                        let distance = column - (token - tokens.lowerBound)
                        for d in 0..<depth {
                            dq[own + d] += slope * k.values[key + d]
                            dk[key + d] += slope * q.values[own + d]
                            dv[key + d] += probability * factor * dout[own + d]
                            if let keys {
                                let place = keys.row(distance, head) + d
                                dq[own + d] += slope * keys.values[place]
                                dkeys[place] += slope * q.values[own + d]
                            }
                            if let queries {
                                let place = queries.row(distance, head) + d
                                dk[key + d] += slope * queries.values[place]
                                dqueries[place] += slope * k.values[key + d]
                            }
                        }
                    }
                }
            }
        }
        return [dq, dk, dv] + (attributes.hasBiasGradient ? [dbias] : []) + (keys == nil ? [] : [dkeys])
            + (queries == nil ? [] : [dqueries])
    }

    private func check(_ rows: AttentionRows, length: Int) throws(InterpreterError) {
        let limits = [
            ("mask", rows.attributes.mask?.size), ("bias", rows.bias?.longest),
            ("table of relative positions", rows.relativeKeys?.longest ?? rows.relativeQueries?.longest),
        ]
        for (name, size) in limits {
            guard let size, length > size else { continue }
            throw error("a sequence has \(length) tokens, but the \(name) is for at most \(size)")
        }
    }
}

/// What a row of attention needs to know of all others.
private struct AttentionRows {
    let q: HostTensor
    let k: HostTensor
    let relativeKeys: RelativeTable?
    let relativeQueries: RelativeTable?
    let bias: AddedBias?
    let attributes: AttentionAttributes
    /// Dropout's seed and step.
    private let rng: [Int]?

    init(_ operands: AttentionOperands<HostTensor>, _ attributes: AttentionAttributes) {
        (q, k) = (operands.q, operands.k)
        relativeKeys = operands.relativeKeys.map(RelativeTable.init)
        relativeQueries = operands.relativeQueries.map(RelativeTable.init)
        bias = operands.bias.flatMap { operand in attributes.bias.map { AddedBias($0, operand) } }
        rng = operands.rng?.values.map(ElementType.saturatingInt)
        self.attributes = attributes
    }

    /// The scores of one row (token * heads + head) against the keys of its sequence, `nil` where the mask or the
    /// bias excludes the key.
    func scores(_ row: Int, keys: Range<Int>) -> [Double?] {
        let (heads, depth) = (q.shape[1], q.shape[2])
        let (token, head) = (row / heads, row % heads)
        return keys.map { key in
            let (query, column) = (token - keys.lowerBound, key - keys.lowerBound)
            if let mask = attributes.mask, !mask.keeps(query: query, key: column, head: head) { return nil }
            let added = bias.map { $0.values[$0.index(head, query: query, key: column)] } ?? 0
            if added == -.infinity { return nil }
            let (own, other) = (row * depth, (key * heads + head) * depth)
            var dot = (0..<depth).reduce(0) { $0 + q.values[own + $1] * k.values[other + $1] }
            if let table = relativeKeys {
                let place = table.row(column - query, head)
                dot += (0..<depth).reduce(0) { $0 + q.values[own + $1] * table.values[place + $1] }
            }
            if let table = relativeQueries {
                let place = table.row(column - query, head)
                dot += (0..<depth).reduce(0) { $0 + k.values[other + $1] * table.values[place + $1] }
            }
            return dot * attributes.scale + added
        }
    }

    /// What dropout multiplies an element by: 0 or 1 / (1 - rate).
    func kept(_ row: Int, _ column: Int) -> Double {
        guard let rng else { return 1 }
        let keeps = Philox.keeps(
            row: row, column: column, stream: attributes.stream, seed: rng[0], step: rng[1],
            rate: attributes.rate)
        return keeps ? 1 / (1 - attributes.rate) : 0
    }
}

/// The angles of tokens.
private struct Angles {
    private let values: [Double]
    /// Of a head.
    private let size: Int

    init(_ tensor: HostTensor) { (values, size) = (tensor.values, tensor.shape[1]) }

    func turned(_ x: HostTensor) -> HostTensor {
        HostTensor(element: x.element, shape: x.shape, values: turned(x.values, sign: 1))
    }

    /// - Parameter sign: -1 turns back.
    func turned(_ x: [Double], sign: Double) -> [Double] {
        let (tokens, half) = (values.count / max(1, size), size / 2)
        let heads = x.count / max(1, values.count)
        var result = x
        for (token, head) in (0..<tokens).flatMap({ t in (0..<heads).map { (t, $0) } }) {
            let row = (token * heads + head) * size
            for d in 0..<half {
                let (a, b) = (x[row + d], x[row + half + d])
                let (c, s) = (values[token * size + d], sign * values[token * size + half + d])
                (result[row + d], result[row + half + d]) = (a * c - b * s, b * c + a * s)
            }
        }
        return result
    }
}

/// A row for each distance and head.
private struct RelativeTable {
    let values: [Double]
    private let shape: [Int]

    init(_ tensor: HostTensor) { (values, shape) = (tensor.values, tensor.shape) }

    /// The longest sequence that it serves.
    var longest: Int { (shape[0] + 1) / 2 }

    /// Where the row of a distance below `longest` starts.
    func row(_ distance: Int, _ head: Int) -> Int {
        ((distance + longest - 1) * shape[1] + head) * shape[2]
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
