import GraphIR

/// `Attention` and `RotaryEmbedding`, in the ops that the pass `attention` reads.
enum AttentionOperators {
    static let rules: [String: OperatorRule] = ["Attention": attention, "RotaryEmbedding": rotary]

    /// [batch, length, heads · size] as [batch, heads, length, size].
    private static func heads(_ site: NodeSite, _ x: Tensor, _ attribute: String) throws -> Tensor {
        if x.shape.count == 4 { return x }
        guard x.shape.count == 3, let count = try site.int(attribute), count > 0,
            let size = Shapes.quotient([x.shape[2]], [.fixed(count)])
        else { throw ONNXError.invalid("needs the attribute '\(attribute)' for operands of three axes") }
        return x.reshaped([x.shape[0], x.shape[1], .fixed(count), size]).transposed([0, 2, 1, 3])
    }

    private static let attention: OperatorRule = { site in
        let input = try site.input(0)
        let g = site.g
        let q = try heads(site, input.tensor, "q_num_heads")
        var (k, v) = (
            try heads(site, try site.tensor(1), "kv_num_heads"),
            try heads(site, try site.tensor(2), "kv_num_heads")
        )
        if let past = site.optional(4)?.tensor { k = g.concatenate([past, k], axis: 2) }
        if let past = site.optional(5)?.tensor { v = g.concatenate([past, v], axis: 2) }
        let present = (k, v)
        (k, v) = (try repeated(k, like: q), try repeated(v, like: q))
        let own = q.type.element
        let headSize = try site.fixed([q.shape[3]], "the size of a head")[0]
        let scale = try site.float("scale") ?? 1 / Double(headSize).squareRoot()
        // Narrow floats are scaled before the product, as ONNX says, so that they round alike.
        let root = scale.squareRoot()
        var scores =
            own == .f32
            ? q.matmul(k, transposeRight: true) * scale
            : (q * root).matmul(k * root, transposeRight: true).cast(own)
        let raw = scores
        let softcap = try site.float("softcap", 0)
        if softcap > 0 { scores = (scores / softcap).tanh() * softcap }
        let capped = scores
        let bias = try AttentionOperators.bias(site, scores, past: site.optional(4)?.shape[2])
        if let bias { scores = scores + bias }
        let biased = scores
        let precision = try site.elementType("softmax_precision")?.carrier ?? own
        var weights = scores.cast(precision).softmax().cast(own)
        if let bias, bias.type.rank >= 2 {
            // A query without any key gives 0.
            let last = bias.type.rank - 1
            let isEmpty = g.compare(
                .eq, bias.max(axes: [last], keepDimensions: true), bias.number(-.infinity))
            weights = g.select(isEmpty, weights.number(0), weights)
        }
        let result = weights.matmul(v).cast(own)
        let y =
            input.rank == 3
            ? result.transposed([0, 2, 1, 3]).reshaped(
                [q.shape[0], q.shape[2], try unwrapped(Shapes.product([q.shape[1], v.shape[3]]))])
            : result
        let shown: Tensor
        switch try site.int("qk_matmul_output_mode", 0) {
        case 0: shown = raw
        case 1: shown = capped
        case 2: shown = biased
        default: shown = weights
        }
        return [
            site.value(input.element, y), site.value(try site.input(1).element, present.0),
            site.value(try site.input(2).element, present.1), site.value(input.element, shown),
        ]
    }

    private static func unwrapped(_ dimension: Dimension?) throws -> Dimension {
        guard let dimension else {
            throw ONNXError.unsupported("the heads' width can't be said as one extent")
        }
        return dimension
    }

    /// Keys or values with each head as often as queries have it.
    private static func repeated(_ x: Tensor, like q: Tensor) throws -> Tensor {
        guard x.shape[1] != q.shape[1] else { return x }
        guard let own = x.shape[1].fixedExtent, let wanted = q.shape[1].fixedExtent, own > 0,
            wanted % own == 0
        else {
            throw ONNXError.invalid("has \(q.shape[1]) heads of queries and \(x.shape[1]) of keys")
        }
        let times = wanted / own
        let (batch, length, size) = (x.shape[0], x.shape[2], x.shape[3])
        return x.reshaped([batch, .fixed(own), 1, length, size])
            .broadcast(to: [batch, .fixed(own), .fixed(times), length, size]).reshaped([
                batch, .fixed(wanted), length, size,
            ])
    }

    /// What is added to the scores: the mask, causal order, windows and the number of keys that are real.
    private static func bias(_ site: NodeSite, _ scores: Tensor, past: Dimension?) throws -> Tensor? {
        let g = site.g
        let own = scores.type.element
        let (queries, keys) = (scores.shape[2], scores.shape[3])
        var bias: Tensor?
        if let mask = site.optional(3) {
            var given = mask.tensor
            if mask.element == .bool { given = g.select(given, g.scalar(0, own), g.scalar(-.infinity, own)) }
            if let last = given.shape.last, last != keys {
                let (have, want) = (
                    try site.fixed([last], "the mask")[0], try site.fixed([keys], "the keys")[0]
                )
                var margin = given.shape
                margin[margin.count - 1] = .fixed(want - have)
                given = g.concatenate(
                    [given, g.constant(-.infinity, TensorType(own, margin))], axis: margin.count - 1)
            }
            bias = given
        }
        let lengths = site.optional(6)?.tensor.cast(.i32)
        let (left, right) = (try site.int("left_window_size", -1), try site.int("right_window_size", -1))
        var isKept: Tensor?
        func keep(_ condition: Tensor) { isKept = isKept.map { g.binary(.and, $0, condition) } ?? condition }
        let column = g.iota(.i32, [queries, keys], axis: 1)
        var row = g.iota(.i32, [queries, keys], axis: 0)
        if let past {
            row = row + g.size(past, .i32)
        } else if let lengths {
            row = row + (lengths - g.size(queries, .i32)).reshaped([scores.shape[0], 1, 1, 1])
        }
        if try site.flag("is_causal") { keep(g.compare(.le, column, row)) }
        if left >= 0 { keep(g.compare(.le, row - column, g.scalar(Double(left), .i32))) }
        if right >= 0 { keep(g.compare(.le, column - row, g.scalar(Double(right), .i32))) }
        if let lengths { keep(g.compare(.lt, column, lengths.reshaped([scores.shape[0], 1, 1, 1]))) }
        if let isKept {
            let part = g.select(isKept, g.scalar(0, own), g.scalar(-.infinity, own))
            bias = bias.map { $0 + part } ?? part
        }
        return bias
    }

    private static let rotary: OperatorRule = { site in
        let input = try site.input(0)
        let g = site.g
        // [batch, length, heads, size]
        var x = input.tensor
        if x.shape.count == 4 {
            x = x.transposed([0, 2, 1, 3])
        } else {
            guard x.shape.count == 3, let count = try site.int("num_heads"), count > 0,
                let size = Shapes.quotient([x.shape[2]], [.fixed(count)])
            else { throw ONNXError.invalid("needs the attribute 'num_heads' for an operand of three axes") }
            x = x.reshaped([x.shape[0], x.shape[1], .fixed(count), size])
        }
        var (cosines, sines) = (try site.tensor(1), try site.tensor(2))
        if let positions = site.optional(3) {
            let ids = positions.tensor.cast(.i32)
            (cosines, sines) = (cosines.gather(ids), sines.gather(ids))
        }
        let size = try site.fixed([x.shape[3]], "the size of a head")[0]
        let given = try site.int("rotary_embedding_dim", 0)
        let turned = given == 0 ? size : given
        guard turned % 2 == 0, turned <= size, cosines.shape.count == 3 else {
            throw ONNXError.invalid("can't turn \(turned) of \(size) elements")
        }
        let half = turned / 2
        let spread = [cosines.shape[0], cosines.shape[1], 1, .fixed(half)]
        let (c, s) = (cosines.reshaped(spread), sines.reshaped(spread))
        let part = x.slice(axis: 3, start: 0, size: .fixed(turned))
        let isInterleaved = try site.flag("interleaved")
        let pairs = Array(x.shape[..<3]) + [.fixed(half), 2]
        func element(_ index: Int) -> Tensor {
            isInterleaved
                ? part.reshaped(pairs).slice(axis: 4, start: index, size: 1).reshaped(
                    x.shape[..<3] + [.fixed(half)])
                : part.slice(axis: 3, start: index * half, size: .fixed(half))
        }
        let (a, b) = (element(0), element(1))
        let (real, imaginary) = (c * a - s * b, s * a + c * b)
        var result: Tensor
        if isInterleaved {
            let single = Array(x.shape[..<3]) + [.fixed(half), 1]
            result = g.concatenate([real.reshaped(single), imaginary.reshaped(single)], axis: 4)
                .reshaped(x.shape[..<3] + [.fixed(turned)])
        } else {
            result = g.concatenate([real, imaginary], axis: 3)
        }
        if turned < size {
            result = g.concatenate(
                [result, x.slice(axis: 3, start: turned, size: .fixed(size - turned))], axis: 3)
        }
        return [
            site.value(
                input.element,
                input.rank == 4 ? result.transposed([0, 2, 1, 3]) : result.reshaped(input.shape))
        ]
    }
}
