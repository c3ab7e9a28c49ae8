import GraphIR

/// Sums, maxima and the like over axes, and running sums.
enum Reductions {
    static let rules: [String: OperatorRule] = [
        "ReduceSum": reduce { $0.sum(axes: $1, keepDimensions: true) },
        "ReduceMax": reduce { x, axes in
            x.type.element == .bool
                ? x.cast(.i32).max(axes: axes, keepDimensions: true).cast(.bool)
                : x.max(axes: axes, keepDimensions: true)
        },
        "ReduceMin": reduce { x, axes in
            x.type.element == .bool
                ? x.cast(.i32).min(axes: axes, keepDimensions: true).cast(.bool)
                : x.min(axes: axes, keepDimensions: true)
        },
        "ReduceMean": reduce { x, axes in
            if x.type.element.isFloat { return x.mean(axes: axes, keepDimensions: true) }
            let sum = x.sum(axes: axes, keepDimensions: true)
            return axes.reduce(sum) { $0 / x.builder.size(x.shape[$1], x.type.element) }
        },
        "ReduceSumSquare": reduce { ($0 * $0).sum(axes: $1, keepDimensions: true) },
        "ReduceL1": reduce { $0.abs().sum(axes: $1, keepDimensions: true) },
        "ReduceL2": reduce { ($0 * $0).sum(axes: $1, keepDimensions: true).sqrt() },
        "ReduceLogSum": reduce { $0.sum(axes: $1, keepDimensions: true).log() },
        "ReduceLogSumExp": reduce { x, axes in
            // Shifted by the largest element, of which an infinite one is left where it is.
            let largest = x.max(axes: axes, keepDimensions: true)
            let finite = x.builder.select(largest.abs().isLess(.infinity), largest, largest.filled(0))
            return (x - finite).exp().sum(axes: axes, keepDimensions: true).log() + finite
        },
        "ReduceProd": reduceProduct, "ArgMax": argument(isMax: true), "ArgMin": argument(isMax: false),
        "CumSum": cumulativeSum, "CumProd": cumulativeProduct,
    ]

    /// Axes, `keepdims` and what to do without axes are the same for all reductions.
    private static func axes(_ site: NodeSite, _ x: ImportedValue) throws -> [Int]? {
        let given = try site.ints(attribute: "axes", orInput: 1, "the axes")
        if given?.isEmpty ?? true {
            return try site.flag("noop_with_empty_axes") ? nil : Array(0..<x.rank)
        }
        return try site.axes(given ?? [], of: x.rank)
    }

    private static func finished(_ site: NodeSite, _ x: ImportedValue, _ axes: [Int], _ result: Tensor) throws
        -> ImportedValue
    {
        let shape =
            try site.flag("keepdims", true)
            ? result.shape : result.shape.indices.filter { !axes.contains($0) }.map { result.shape[$0] }
        return site.wrapped(x.element, result.reshaped(shape))
    }

    private static func reduce(_ function: @escaping @Sendable (Tensor, [Int]) -> Tensor) -> OperatorRule {
        { site in
            let x = try site.input(0)
            let given = try axes(site, x)
            let axes = given ?? []
            // Operators that do more than add up do that without axes as well.
            if given == nil, ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean"].contains(site.op) {
                return [x]
            }
            if site.op == "ReduceMin" || site.op == "ReduceMax", axes.contains(where: { x.shape[$0] == 0 }) {
                let (low, high) = bounds(x.element)
                let shape = x.shape.enumerated().map { axes.contains($0) ? 1 : $1 }
                let filler = site.g.constant(
                    site.op == "ReduceMax" ? low : high, TensorType(x.tensor.type.element, shape))
                return [try finished(site, x, axes, filler)]
            }
            if site.op == "ReduceLogSumExp", axes.contains(where: { x.shape[$0] == 0 }) {
                let shape = x.shape.enumerated().map { axes.contains($0) ? 1 : $1 }
                return [
                    try finished(
                        site, x, axes, site.g.constant(-.infinity, TensorType(x.tensor.type.element, shape)))
                ]
            }
            return [try finished(site, x, axes, function(x.tensor, axes))]
        }
    }

    /// The lowest and the highest number of a type.
    static func bounds(_ element: ONNXElement) -> (Double, Double) {
        if element == .bool { return (0, 1) }
        if let range = element.integerRange {
            // The nearest doubles within 64 bits.
            return (
                Double(range.lowerBound),
                element.carrier == .i64 && element != .uint32
                    ? 9_223_372_036_854_774_784 : Double(range.upperBound)
            )
        }
        return (-.infinity, .infinity)
    }

    /// The product along an axis of `count` elements, which stays with extent 1... of none it is 1.
    static func product(_ x: Tensor, axis: Int, count: Int, keepDimensions: Bool = false) -> Tensor {
        var (x, count) = (x, count)
        var shape = x.shape
        shape[axis] = 1
        if count == 0 { x = x.builder.constant(1, TensorType(x.type.element, shape)) }
        while count > 1 {
            let half = count / 2
            let low = x.slice(axis: axis, start: 0, size: .fixed(half))
            let pairs = low * x.slice(axis: axis, start: half, size: .fixed(half))
            x =
                count % 2 == 0
                ? pairs
                : x.builder.concatenate([pairs, x.slice(axis: axis, start: 2 * half, size: 1)], axis: axis)
            count = half + count % 2
        }
        if keepDimensions { return x }
        shape.remove(at: axis)
        return x.reshaped(shape)
    }

    private static let reduceProduct: OperatorRule = { site in
        let x = try site.input(0)
        guard let axes = try axes(site, x) else { return [x] }
        let extents = try axes.map { try site.fixed([x.shape[$0]], "an axis")[0] }
        let result = zip(axes, extents).reduce(x.tensor) {
            product($0, axis: $1.0, count: $1.1, keepDimensions: true)
        }
        return [try finished(site, x, axes, result)]
    }

    private static func argument(isMax: Bool) -> OperatorRule {
        { site in
            let x = try site.input(0)
            let axis = try site.axis(try site.int("axis", 0), of: x.rank)
            let g = site.g
            let best =
                isMax
                ? x.tensor.max(axes: [axis], keepDimensions: true)
                : x.tensor.min(axes: [axis], keepDimensions: true)
            let isBest = g.compare(.eq, x.tensor, best)
            let places = g.iota(.i32, x.shape, axis: axis)
            let place =
                try site.flag("select_last_index")
                ? g.select(isBest, places, places.filled(-1)).max(axes: [axis], keepDimensions: true)
                : g.select(isBest, places, places.filled(Double(Int32.max))).min(
                    axes: [axis], keepDimensions: true)
            var shape = place.shape
            if try !site.flag("keepdims", true) { shape.remove(at: axis) }
            return [site.value(.int64, place.cast(.i64).reshaped(shape))]
        }
    }

    /// Which elements of a row each running result takes, [result, element].
    private static func taken(_ site: NodeSite, _ n: Dimension) throws -> Tensor {
        let g = site.g
        let (exclusive, reverse) = (try site.flag("exclusive"), try site.flag("reverse"))
        let (result, element) = (g.iota(.i32, [n, n], axis: 0), g.iota(.i32, [n, n], axis: 1))
        return g.compare(reverse ? (exclusive ? .gt : .ge) : (exclusive ? .lt : .le), element, result)
    }

    private static func running(_ site: NodeSite) throws -> (
        x: ImportedValue, rows: Tensor, back: [Int], n: Dimension
    ) {
        let x = try site.input(0)
        let axis = try site.axis(try site.knownInts(1, "the axis").first ?? 0, of: x.rank)
        let (moved, back) = x.tensor.movingToEnd(axis)
        return (x, moved, back, x.shape[axis])
    }

    private static let cumulativeSum: OperatorRule = { site in
        let (x, rows, back, n) = try running(site)
        // [..., 1, n] where taken [n, n], added up over the last axis.
        let wide = rows.reshaped(rows.shape.dropLast() + [1, n])
        let sums = site.g.select(try taken(site, n), wide, wide.number(0)).sum(axes: [rows.shape.count])
        return [site.wrapped(x.element, sums.movedBack(back))]
    }

    private static let cumulativeProduct: OperatorRule = { site in
        let (x, rows, back, n) = try running(site)
        let count = try site.fixed([n], "the axis")[0]
        let wide = rows.reshaped(rows.shape.dropLast() + [1, n])
        let products = product(
            site.g.select(try taken(site, n), wide, wide.number(1)), axis: rows.shape.count, count: count)
        return [site.wrapped(x.element, products.movedBack(back))]
    }
}
