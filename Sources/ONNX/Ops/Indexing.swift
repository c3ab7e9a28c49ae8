import GraphIR

/// Operators that look elements up, or write them, by indices.
enum Indexing {
    static let rules: [String: OperatorRule] = [
        "Gather": gather, "GatherElements": gatherElements, "GatherND": gatherND,
        "ScatterElements": scatterElements,
        "Scatter": scatterElements, "ScatterND": scatterND, "TopK": topK, "ArrayFeatureExtractor": gather,
        "TensorScatter": tensorScatter,
    ]

    /// Indices from the start of an axis, i32.
    static func counted(_ ids: Tensor, _ extent: Dimension) -> Tensor {
        let ids = ids.cast(.i32)
        return ids.builder.select(ids.isLess(0), ids + ids.builder.size(extent, .i32), ids)
    }

    private static let gather: OperatorRule = { site in
        let (x, indices) = (try site.input(0), try site.input(1))
        let axis = try site.axis(
            try site.int("axis", site.op == "ArrayFeatureExtractor" ? -1 : 0), of: x.rank)
        if let base = x.base {
            guard axis == 0, let whole = indices.tensor.lookedUpFlat(in: base) else {
                throw ONNXError.unsupported(
                    "looks elements up along an axis whose extent can't be said with one symbol")
            }
            return [site.value(x.element, whole.reshaped(whole.shape + x.shape.dropFirst()))]
        }
        if let known = indices.known?.ints, known.count == 1, let extent = x.shape[axis].fixedExtent,
            indices.rank == 0
        {
            let place = known[0] < 0 ? known[0] + extent : known[0]
            guard (0..<extent).contains(place) else {
                throw ONNXError.invalid("the index \(known[0]) is outside an axis of \(extent)")
            }
            var shape = x.shape
            shape.remove(at: axis)
            return [site.value(x.element, x.tensor.slice(axis: axis, start: place, size: 1).reshaped(shape))]
        }
        if let known = indices.known?.ints, known.count == 1, known[0] >= 0, indices.rank == 0 {
            // The first of an axis of open extent, as a table of rows.
            return [site.value(x.element, rows(x.tensor, axis, indices.tensor.cast(.i32)))]
        }
        // Ids of tokens are not negative; those that may be are said by known numbers, or counted.
        let isCounted = indices.known?.ints?.allSatisfy { $0 >= 0 } ?? false
        let ids = isCounted ? indices.tensor.cast(.i32) : counted(indices.tensor, x.shape[axis])
        return [site.value(x.element, rows(x.tensor, axis, ids))]
    }

    /// `x` with `axis` replaced by the axes of `ids`.
    static func rows(_ x: Tensor, _ axis: Int, _ ids: Tensor) -> Tensor {
        if x.shape.count == 1 { return x.reshaped(x.shape + [1]).gather(ids).reshaped(ids.shape) }
        if axis == 0 { return x.gather(ids) }
        let rank = x.shape.count
        let found = x.transposed([axis] + (0..<rank).filter { $0 != axis }).gather(ids)
        // [ids…, before…, after…] to [before…, ids…, after…].
        let count = ids.shape.count
        var order = Array(count..<(count + axis))
        order += Array(0..<count)
        order += Array((count + axis)..<(count + rank - 1))
        return found.transposed(order)
    }

    /// Row-major places of x's elements with their index along `axis` replaced by `ids`, which is no larger.
    private static func places(_ site: NodeSite, _ x: Tensor, _ axis: Int, _ ids: Tensor) throws -> Tensor {
        let strides = Places.strides(try site.fixed(x.shape, "the axes"))
        var place = counted(ids, x.shape[axis]) * Double(strides[axis])
        for other in x.shape.indices where other != axis {
            place = place + site.g.iota(.i32, ids.shape, axis: other) * Double(strides[other])
        }
        return place
    }

    private static let gatherElements: OperatorRule = { site in
        let (x, indices) = (try site.input(0), try site.input(1))
        let axis = try site.axis(try site.int("axis", 0), of: x.rank)
        guard indices.rank == x.rank else {
            throw ONNXError.invalid("needs indices with as many axes as the data")
        }
        let place = try places(site, x.tensor, axis, indices.tensor)
        return [site.value(x.element, site.g.take(x.tensor, at: place))]
    }

    private static let gatherND: OperatorRule = { site in
        let (x, indices) = (try site.input(0), try site.input(1))
        let batch = try site.int("batch_dims", 0)
        if batch == 0, indices.known == nil, let whole = indices.tensor.lookedUpWhole(in: x.tensor) {
            return [site.value(x.element, whole)]
        }
        let extents = try site.fixed(x.shape, "the axes")
        let outer = try site.fixed(indices.shape, "the axes")
        guard let depth = outer.last, depth >= 1, batch >= 0, batch < outer.count,
            batch + depth <= extents.count
        else {
            throw ONNXError.invalid("its indices do not suit its data")
        }
        let place = tuplePlaces(site, indices.tensor, Array(extents[batch..<(batch + depth)]))
        let rowShape = Array(x.shape[(batch + depth)...])
        let row = extents[(batch + depth)...].reduce(1, *)
        var ids = place
        if batch > 0 {
            let inner = extents[batch..<(batch + depth)].reduce(1, *)
            let flat = outer[..<batch].reduce(1, *)
            let rest = outer[batch..<(outer.count - 1)].reduce(1, *)
            let offset = site.g.iota(.i32, [.fixed(flat), .fixed(rest)], axis: 0) * Double(inner)
            ids = (place.reshaped([.fixed(flat), .fixed(rest)]) + offset).reshaped(place.shape)
        }
        let table = x.tensor.reshaped([.fixed(extents.reduce(1, *) / max(row, 1)), .fixed(row)])
        return [site.value(x.element, table.gather(ids).reshaped(place.shape + rowShape))]
    }

    /// Row-major places of tuples of indices, which stand along the last axis.
    private static func tuplePlaces(_ site: NodeSite, _ indices: Tensor, _ extents: [Int]) -> Tensor {
        let strides = Places.strides(extents)
        let last = indices.shape.count - 1
        let shape = Array(indices.shape.dropLast())
        var place: Tensor?
        for (number, extent) in extents.enumerated() {
            let index = indices.slice(axis: last, start: number, size: 1).reshaped(shape)
            let part = counted(index, .fixed(extent)) * Double(strides[number])
            place = place.map { $0 + part } ?? part
        }
        return place ?? site.g.constant(0, TensorType(.i32, shape))
    }

    // MARK: Scatter

    /// `data`, of `count` rows, with rows of `updates` put at places; what is put together as `reduction` says, in order.
    private static func scatter(
        _ site: NodeSite, _ data: Tensor, _ updates: Tensor, at place: Tensor, rows: Int, updateRows: Int,
        _ element: ONNXElement
    ) throws -> Tensor {
        let g = site.g
        let reduction = try site.choice("reduction", ["none", "add", "mul", "min", "max"])
        guard rows * updateRows <= 1 << 22 else {
            throw ONNXError.unsupported("\(updateRows) updates of \(rows) places are too many")
        }
        let shape: [Dimension] = [.fixed(rows), .fixed(updateRows)]
        let isHit = g.compare(.eq, g.iota(.i32, shape, axis: 0), place.reshaped([1, .fixed(updateRows)]))
        if reduction == "none" {
            let number = g.select(
                isHit, g.iota(.i32, shape, axis: 1), g.constant(-1, TensorType(.i32, shape)))
            let last = number.max(axes: [1])
            let found = updates.gather(g.binary(.max, last, last.number(0)))
            return g.select(g.compare(.ge, last, last.number(0)).reshaped([.fixed(rows), 1]), found, data)
        }
        let width = data.shape[1]
        let hits = isHit.reshaped([.fixed(rows), .fixed(updateRows), 1])
        let parts = updates.reshaped([1, .fixed(updateRows), width])
        let full: [Dimension] = [.fixed(rows), .fixed(updateRows), width]
        func chosen(_ neutral: Double) -> Tensor {
            g.select(hits, parts.broadcast(to: full), parts.number(neutral))
        }
        let (low, high) = Reductions.bounds(element)
        switch reduction {
        case "add": return data + chosen(0).sum(axes: [1])
        case "mul": return data * Reductions.product(chosen(1), axis: 1, count: updateRows)
        case "max": return g.binary(.max, data, chosen(low).max(axes: [1]))
        default: return g.binary(.min, data, chosen(high).min(axes: [1], keepDimensions: false))
        }
    }

    private static let scatterElements: OperatorRule = { site in
        let (x, indices, updates) = (try site.input(0), try site.input(1), try site.input(2))
        let axis = try site.axis(try site.int("axis", 0), of: x.rank)
        guard indices.rank == x.rank, indices.shape == updates.shape else {
            throw ONNXError.invalid("needs indices and updates of one shape, with as many axes as the data")
        }
        let (rows, count) = (
            try site.fixed(x.shape, "the axes").reduce(1, *),
            try site.fixed(indices.shape, "the axes").reduce(1, *)
        )
        let place = try places(site, x.tensor, axis, indices.tensor)
        let result = try scatter(
            site, x.tensor.reshaped([.fixed(rows), 1]), updates.tensor.reshaped([.fixed(count), 1]),
            at: place, rows: rows,
            updateRows: count, x.element)
        return [site.value(x.element, result.reshaped(x.shape))]
    }

    private static let scatterND: OperatorRule = { site in
        let (x, indices, updates) = (try site.input(0), try site.input(1), try site.input(2))
        let (extents, outer) = (
            try site.fixed(x.shape, "the axes"), try site.fixed(indices.shape, "the axes")
        )
        guard let depth = outer.last, depth <= extents.count else {
            throw ONNXError.invalid("its indices do not suit its data")
        }
        let place = tuplePlaces(site, indices.tensor, Array(extents[..<depth]))
        let (rows, width, count) = (
            extents[..<depth].reduce(1, *), extents[depth...].reduce(1, *), outer.dropLast().reduce(1, *)
        )
        let result = try scatter(
            site, x.tensor.reshaped([.fixed(rows), .fixed(width)]),
            updates.tensor.reshaped([.fixed(count), .fixed(width)]),
            at: place, rows: rows, updateRows: count, x.element)
        return [site.value(x.element, result.reshaped(x.shape))]
    }

    /// A cache with new rows from an index on along an axis.
    private static let tensorScatter: OperatorRule = { site in
        let (past, update) = (try site.input(0), try site.input(1))
        let axis = try site.axis(try site.int("axis", -2), of: past.rank)
        let isCircular = try site.choice("mode", ["linear", "circular"]) == "circular"
        let (extent, count) = (
            try site.fixed([past.shape[axis]], "the axis")[0],
            try site.fixed([update.shape[axis]], "the axis")[0]
        )
        let g = site.g
        var single = past.shape.map { _ in Dimension.fixed(1) }
        single[0] = past.shape[0]
        let start =
            site.has(2)
            ? try site.tensor(2).cast(.i32).reshaped(single) : g.constant(0, TensorType(.i32, single))
        // The number of the update that belongs at each place.
        var number = g.iota(.i32, past.shape, axis: axis) - start
        if isCircular { number = g.remainder(number, number.number(Double(extent))) }
        let isNew = g.binary(.and, g.compare(.ge, number, number.number(0)), number.isLess(Double(count)))
        let inside = g.select(isNew, number, number.filled(0))
        let place = try places(site, update.tensor, axis, inside)
        return [site.value(past.element, g.select(isNew, g.take(update.tensor, at: place), past.tensor))]
    }

    // MARK: Order

    /// The k largest (or smallest) of each row, equal ones in the order of their places.
    private static let topK: OperatorRule = { site in
        let x = try site.input(0)
        let k = try site.int("k") ?? site.knownInts(1, "how many").first ?? 0
        let axis = try site.axis(try site.int("axis", -1), of: x.rank)
        let (moved, back) = x.tensor.movingToEnd(axis)
        let g = site.g
        let n = try site.fixed([x.shape[axis]], "the axis")[0]
        guard (0...n).contains(k) else { throw ONNXError.invalid("asks for \(k) of \(n) elements") }
        let outer = try site.fixed(Array(moved.shape.dropLast()), "the axes").reduce(1, *)
        guard outer * n * max(n, k) <= 1 << 22 else {
            throw ONNXError.unsupported("sorts rows of \(n), which is too many here")
        }
        let rows = moved.reshaped([.fixed(outer), .fixed(n)])
        let shape: [Dimension] = [.fixed(outer), .fixed(n), .fixed(n)]
        let (own, other) = (
            rows.reshaped([.fixed(outer), .fixed(n), 1]), rows.reshaped([.fixed(outer), 1, .fixed(n)])
        )
        let isBefore = g.compare(try site.flag("largest", true) ? .gt : .lt, other, own)
        let isTied = g.binary(
            .and, g.compare(.eq, other, own),
            g.compare(.lt, g.iota(.i32, shape, axis: 2), g.iota(.i32, shape, axis: 1)))
        let rank = g.binary(.or, isBefore, isTied).cast(.i32).sum(axes: [2])
        let wide: [Dimension] = [.fixed(outer), .fixed(k), .fixed(n)]
        let isHit = g.compare(.eq, rank.reshaped([.fixed(outer), 1, .fixed(n)]), g.iota(.i32, wide, axis: 1))
        let places = g.select(isHit, g.iota(.i32, wide, axis: 2), g.constant(0, TensorType(.i32, wide))).sum(
            axes: [2])
        let flat = places + g.iota(.i32, [.fixed(outer), .fixed(k)], axis: 0) * Double(n)
        let result = Array(moved.shape.dropLast()) + [.fixed(k)]
        return [
            site.value(x.element, g.take(moved, at: flat).reshaped(result).movedBack(back)),
            site.value(.int64, places.cast(.i64).reshaped(result).movedBack(back)),
        ]
    }
}
