import GraphIR
import KernelIR

/// A bias, or a plane of its gradient, of one head: query i and key j are at i * `stride` + j.
struct BiasRows {
    fileprivate let start: Pointer
    fileprivate let stride: I64

    /// - Parameter pointer: all heads.
    init(_ w: inout FunctionWriter, _ bias: AddedBias, at pointer: Pointer, head: I64) {
        let columns = w.extent(bias.columns)
        switch bias.kind {
        case .pairs:
            start = w.address(pointer, .float, w.mul(head, w.mul(columns, columns)))
            stride = columns
        case .distances:
            // Distance 0 is in the middle, and a row later it is a key further on.
            let middle = w.lshr(w.sub(columns, 1), 1)
            start = w.address(pointer, .float, w.add(w.mul(head, columns), middle))
            stride = -1
        }
    }

    /// What belongs to a tile of scores from `query` and `key` on, with `keys` real columns.
    func tile(_ w: inout FunctionWriter, query: I64, key: I64, keys: I64) -> BiasTile {
        let first = w.add(w.mul(query, stride), key)
        return BiasTile(start: w.address(start, .float, first), stride: stride, keys: keys)
    }
}

struct BiasTile {
    fileprivate let start: Pointer
    fileprivate let stride: I64
    fileprivate let keys: I64

    fileprivate func place(_ w: inout FunctionWriter, _ row: I64, _ column: I64) -> Pointer {
        w.address(start, .float, w.add(w.mul(row, stride), column))
    }
}

/// What is added to the products of a tile's queries and keys.
struct AddedTerms {
    let bias: BiasTile?
    let relative: RelativeTile?

    var isEmpty: Bool { bias == nil && relative == nil }
}

extension AttentionTemplate {
    /// A vector of scores in base 2 with what is added to it.
    func addTerms(
        _ w: inout FunctionWriter, _ terms: AddedTerms, _ row: I64, _ column: I64, to score: Vector<F32>
    ) -> Vector<F32> {
        var sum = score
        if let relative = terms.relative { sum = addRelative(&w, relative, row, column, to: sum) }
        if let bias = terms.bias { sum = addBias(&w, bias, row, column, to: sum) }
        return sum
    }

    /// Fetches rows of a tile into the level-2 cache, while the products that come before their use run: what a bias of
    /// pairs has for a tile is single pieces of rows. One of distances stays in the cache by itself.
    func prefetch(_ w: inout FunctionWriter, _ biases: [BiasTile?], rows: I64) {
        guard kernel.bias?.kind == .pairs else { return }
        for bias in biases.compactMap({ $0 }) {
            w.loop(from: 0, to: rows, by: 1) { w, row in
                w.loop(from: 0, to: bias.keys, by: 16) { w, column in
                    w.prefetch(bias.place(&w, row, column))
                }
            }
        }
    }

    /// A vector of scores in base 2 with its bias; columns beyond the real ones stay as they are.
    private func addBias(
        _ w: inout FunctionWriter, _ bias: BiasTile, _ row: I64, _ column: I64, to score: Vector<F32>
    ) -> Vector<F32> {
        let mask = v.mask(&w, below: w.sub(bias.keys, column))
        let added = loadVector(&w, bias.place(&w, row, column), mask: mask)
        return w.fma(added, v.float(Self.log2e), score)
    }

    /// Adds a vector of the scores' gradients to a plane of dbias.
    func addSlope(
        _ w: inout FunctionWriter, _ slope: Vector<F32>, to dbias: BiasTile, _ row: I64, _ column: I64
    ) {
        let mask = v.mask(&w, below: w.sub(dbias.keys, column))
        let place = dbias.place(&w, row, column)
        storeVector(&w, w.fadd(loadVector(&w, place, mask: mask), slope), place, mask: mask)
    }

    /// The longest sequence that the bias serves.
    func biasLength(_ w: inout FunctionWriter) -> I64 {
        guard let bias = kernel.bias else { preconditionFailure("attention without a bias") }
        let columns = w.extent(bias.columns)
        return bias.kind == .pairs ? columns : w.lshr(w.add(columns, 1), 1)
    }

    /// Zeroes what a task owns of its plane of dbias, and returns the plane's rows.
    func startBias(
        _ w: inout FunctionWriter, _ gradient: BiasGradient, group: I64, head: I64, part: I64
    ) -> BiasRows {
        guard let bias = kernel.bias else { preconditionFailure("attention without a bias") }
        let plane: Pointer
        switch bias.kind {
        case .pairs: plane = biasPlane(&w, bias, gradient, group)
        case .distances:
            plane = biasPlane(&w, bias, gradient, w.add(w.mul(group, kernel.parts), part))
        }
        let rows = BiasRows(&w, bias, at: plane, head: head)
        let columns = w.extent(bias.columns)
        switch bias.kind {
        case .pairs:
            let size = partSize(&w, of: columns)
            let from = w.min(w.mul(part, size), columns)
            let count = w.sub(w.min(w.add(from, size), columns), from)
            w.loop(from: 0, to: columns, by: 1) { w, query in
                let place = w.address(rows.start, .float, w.add(w.mul(query, rows.stride), from))
                clear(&w, place, .f32, count: count)
            }
        case .distances: clear(&w, w.address(plane, .float, w.mul(head, columns)), .f32, count: columns)
        }
        return rows
    }

    private func biasPlane(
        _ w: inout FunctionWriter, _ bias: AddedBias, _ gradient: BiasGradient, _ number: I64
    ) -> Pointer {
        let own = w.max(w.sub(number, 1), 0)
        let partial = w.address(w.buffer(gradient.partial), .float, w.mul(own, w.extent(bias.elements)))
        let isFirst = w.compare(.eq, number, 0)
        return w.select(isFirst, w.buffer(gradient.dbias), partial)
    }

    /// Adds the planes of one head of dbias in order.
    func writeBiasSum(_ w: inout FunctionWriter, _ head: I64, _ gradient: BiasGradient) {
        guard let bias = kernel.bias else { preconditionFailure("attention without a bias") }
        let columns = w.extent(bias.columns)
        let count = bias.kind == .pairs ? w.mul(columns, columns) : columns
        let first = w.mul(head, count)
        let target = w.address(w.buffer(gradient.dbias), .float, first)
        w.loop(from: 1, to: I64(kernel.biasPlanes), by: 1) { w, number in
            let plane = biasPlane(&w, bias, gradient, number)
            addElements(&w, w.address(plane, .float, first), to: target, count: count)
        }
    }
}
