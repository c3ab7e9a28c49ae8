import GraphIR

/// Maxima, means and norms of windows.
enum Pooling {
    static let rules: [String: OperatorRule] = [
        "MaxPool": maxPool, "AveragePool": averagePool, "LpPool": lpPool,
        "GlobalMaxPool": global { $0.max(axes: $1, keepDimensions: true) },
        "GlobalAveragePool": global { $0.mean(axes: $1, keepDimensions: true) },
        "GlobalLpPool": { site in
            let x = try site.input(0)
            let p = Double(try site.int("p", 2))
            let powers = site.g.binary(.pow, x.tensor.abs(), x.tensor.filled(p))
            let sum = powers.sum(axes: Array(2..<max(2, x.rank)), keepDimensions: true)
            return [site.value(x.element, site.g.binary(.pow, sum, sum.number(1 / p)))]
        },
        "MaxUnpool": unpool,
    ]

    private static func global(_ function: @escaping @Sendable (Tensor, [Int]) -> Tensor) -> OperatorRule {
        { site in
            let x = try site.input(0)
            return [site.value(x.element, function(x.tensor, Array(2..<max(2, x.rank))))]
        }
    }

    /// The windows of an operand: [windows, elements, n · channels].
    private static func windows(_ site: NodeSite, filler: Double) throws -> (
        x: ImportedValue, own: [Int], plan: WindowPlan, all: Tensor
    ) {
        let x = try site.input(0)
        let own = try site.fixed(x.shape, "the axes")
        guard own.count >= 3, let kernel = try site.ints("kernel_shape") else {
            throw ONNXError.invalid("needs three axes and a kernel")
        }
        let plan = try WindowPlan(site, extents: Array(own[2...]), kernel: kernel)
        let rows = x.tensor.reshaped([.fixed(own[0] * own[1]), .fixed(own[2...].reduce(1, *))]).transposed([
            1, 0,
        ])
        return (x, own, plan, site.windows(rows, plan.places().places, filler: filler))
    }

    /// [windows, n · channels] as an image.
    private static func image(_ y: Tensor, _ own: [Int], _ plan: WindowPlan) -> Tensor {
        y.transposed([1, 0]).reshaped([.fixed(own[0]), .fixed(own[1])] + plan.outputs.map(Dimension.fixed))
    }

    private static let maxPool: OperatorRule = { site in
        let element = try site.input(0).element
        let (x, own, plan, all) = try windows(site, filler: Reductions.bounds(element).0)
        let best = all.max(axes: [1], keepDimensions: true)
        let flat = best.reshaped([best.shape[0], best.shape[2]])
        guard site.node.outputs.count > 1 else { return [site.value(x.element, image(flat, own, plan))] }
        // The place of the first largest element.
        let g = site.g
        let places = plan.places().places
        let isBest = g.compare(.eq, all, best)
        let number = g.iota(.i32, all.shape, axis: 1)
        let first = g.select(isBest, number, number.filled(Double(Int32.max))).min(
            axes: [1], keepDimensions: true)
        let extents = Array(own[2...])
        let isColumnMajor = try site.int("storage_order", 0) == 1
        let table = places.flatMap { window in
            window.map { place -> Double in
                guard place >= 0, isColumnMajor else { return Double(max(place, 0)) }
                var (rest, result, stride) = (place, 0, 1)
                let indices = Places.strides(extents).map { step -> Int in
                    defer { rest %= step }
                    return rest / step
                }
                for (index, extent) in zip(indices, extents) {
                    result += index * stride
                    stride *= extent
                }
                return Double(result)
            }
        }
        let constant = g.constant(table, .i32, [places.count, places.first?.count ?? 0, 1])
        let isHit = g.compare(.eq, number, first)
        let place = g.select(isHit, constant, g.scalar(0, .i32)).sum(axes: [1])
        let plane = g.iota(.i32, place.shape, axis: 1) * Double(extents.reduce(1, *))
        return [
            site.value(x.element, image(flat, own, plan)),
            site.value(.int64, image((place + plane).cast(.i64), own, plan)),
        ]
    }

    private static let averagePool: OperatorRule = { site in
        let (x, own, plan, all) = try windows(site, filler: 0)
        let (places, isPadded) = plan.places()
        let countsPadding = try site.flag("count_include_pad")
        let counts = zip(places, isPadded).map { places, padded in
            Double(max(1, countsPadding ? padded.count { $0 } : places.count { $0 >= 0 }))
        }
        let divisor = site.g.constant(counts, all.type.element, [counts.count, 1])
        return [site.value(x.element, image(all.sum(axes: [1]) / divisor, own, plan))]
    }

    private static let lpPool: OperatorRule = { site in
        let (x, own, plan, all) = try windows(site, filler: 0)
        let p = Double(try site.int("p", 2))
        let sum: Tensor
        switch p {
        case 1: sum = all.abs().sum(axes: [1])
        case 2: sum = (all * all).sum(axes: [1]).sqrt()
        default:
            let powers = site.g.binary(.pow, all.abs(), all.filled(p)).sum(axes: [1])
            sum = site.g.binary(.pow, powers, powers.filled(1 / p))
        }
        return [site.value(x.element, image(sum, own, plan))]
    }

    /// Elements put back to the places that `MaxPool` gave, among zeros.
    private static let unpool: OperatorRule = { site in
        let (x, indices) = (try site.input(0), try site.input(1))
        let own = try site.fixed(x.shape, "the axes")
        let rank = own.count - 2
        guard rank >= 1, let kernel = try site.ints("kernel_shape"), kernel.count == rank else {
            throw ONNXError.invalid("needs a kernel")
        }
        let strides = try site.ints("strides") ?? Array(repeating: 1, count: rank)
        let pads = try site.ints("pads") ?? Array(repeating: 0, count: 2 * rank)
        guard strides.count == rank, pads.count == 2 * rank else {
            throw ONNXError.invalid("its strides do not suit its axes")
        }
        let inferred = (0..<rank).map {
            (own[$0 + 2] - 1) * strides[$0] + kernel[$0] - pads[$0] - pads[$0 + rank]
        }
        let shape = try site.has(2) ? site.knownInts(2, "the shape") : Array(own[..<2]) + inferred
        let (count, total) = (own.reduce(1, *), shape.reduce(1) { $0 &* max($1, 0) })
        guard shape.count == own.count, shape.allSatisfy({ (0...1 << 20).contains($0) }),
            count * total <= 1 << 22
        else {
            throw ONNXError.unsupported("its result is too large")
        }
        let g = site.g
        // Places count within the pooled image of the inferred size.
        let grid: [Dimension] = [.fixed(total), .fixed(count)]
        // A larger image has the same elements in other places.
        let full = Array(own[..<2]) + inferred
        let wide = Places.strides(shape)
        let table = Places.indices(full).map { index in
            Double(zip(index, wide).reduce(0) { $0 + $1.0 * $1.1 })
        }
        var place = indices.tensor.cast(.i32)
        if full != shape, !table.isEmpty {
            place = g.constant(table, .i32, [table.count, 1]).gather(place).reshaped(place.shape)
        }
        let isHit = g.compare(.eq, g.iota(.i32, grid, axis: 0), place.reshaped([1, .fixed(count)]))
        let sum = g.select(isHit, x.tensor.reshaped([1, .fixed(count)]), x.tensor.number(0)).sum(axes: [1])
        return [site.value(x.element, sum.reshaped(shape.map(Dimension.fixed)))]
    }
}
