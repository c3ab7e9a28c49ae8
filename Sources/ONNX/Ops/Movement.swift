import GraphIR

/// Operators that move elements.
enum Movement {
    static let rules: [String: OperatorRule] = [
        "Concat": concat, "Split": split, "Slice": slice, "Tile": tile, "Pad": pad, "Trilu": trilu,
        "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth, "CenterCropPad": centerCropPad,
        "ReverseSequence": reverseSequence,
    ]

    private static let concat: OperatorRule = { site in
        let all = try site.all()
        let axis = try site.axis(try site.int("axis", 0), of: all[0].rank)
        guard all.allSatisfy({ $0.element == all[0].element && $0.rank == all[0].rank }) else {
            throw ONNXError.invalid("takes tensors of one element type and number of axes")
        }
        let parts = all.filter { $0.shape[axis] != 0 }
        if parts.count < 2 { return [parts.first ?? all[0]] }
        return [site.value(all[0].element, site.g.concatenate(parts.map(\.tensor), axis: axis))]
    }

    private static let split: OperatorRule = { site in
        let x = try site.input(0)
        let axis = try site.axis(try site.int("axis", 0), of: x.rank)
        let count = try site.int("num_outputs") ?? site.node.outputs.count
        let sizes: [Dimension]
        if let given = try site.ints(attribute: "split", orInput: 1, "the sizes") {
            sizes = given.map(Dimension.fixed)
        } else {
            guard count > 0, let extent = x.shape[axis].fixedExtent else {
                throw ONNXError.unsupported("splits an axis of the extent '\(x.shape[axis])' without sizes")
            }
            let size = (extent + count - 1) / count
            sizes = (0..<count).map { .fixed(max(0, min(size, extent - $0 * size))) }
        }
        var start = 0
        return try sizes.map { size in
            guard size.offset >= 0, start + size.offset <= x.shape[axis].offset || x.shape[axis].symbol != nil
            else {
                throw ONNXError.invalid("the parts \(sizes) are larger than the axis")
            }
            defer { start += size.offset }
            return site.value(x.element, x.tensor.slice(axis: axis, start: start, size: size))
        }
    }

    private static let slice: OperatorRule = { site in
        let x = try site.input(0)
        let starts: [Scalar]
        let ends: [Scalar]
        if site.opset < 10 {
            starts = (try site.ints("starts") ?? []).map(Scalar.int)
            ends = (try site.ints("ends") ?? []).map(Scalar.int)
        } else {
            (starts, ends) = (
                try site.known(1, "where it starts").values, try site.known(2, "where it ends").values
            )
        }
        let axes = try site.ints(attribute: "axes", orInput: 3, "the axes") ?? Array(starts.indices)
        let steps =
            site.opset >= 10 && site.has(4) ? try site.knownInts(4, "the steps") : starts.map { _ in 1 }
        guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
            throw ONNXError.invalid(
                "gives \(starts.count) starts, \(ends.count) ends, \(axes.count) axes and \(steps.count) steps"
            )
        }
        var result = x.tensor
        for index in starts.indices {
            let axis = try site.axis(axes[index], of: x.rank)
            result = try part(site, result, axis, starts[index], ends[index], steps[index])
        }
        return [site.value(x.element, result)]
    }

    private static func part(
        _ site: NodeSite, _ x: Tensor, _ axis: Int, _ start: Scalar, _ end: Scalar, _ step: Int
    ) throws -> Tensor {
        guard step != 0 else { throw ONNXError.invalid("has a step of 0") }
        let extent = x.shape[axis]
        if let fixed = extent.fixedExtent, let start = start.int, let end = end.int {
            let places = KnownArithmetic.sliceIndices(fixed, start: start, end: end, step: step)
            if step == 1 || places.count <= 1 {
                return x.slice(axis: axis, start: places.first ?? 0, size: .fixed(places.count))
            }
            return selected(x, axis, places)
        }
        guard step == 1, let begin = start.int else {
            throw ONNXError.unsupported(
                "cuts an axis of the extent '\(extent)' in steps, or from where is not a number")
        }
        // A part from the start, or up to the end, of an axis that is long enough.
        let first = begin >= 0 ? .fixed(begin) : extent + begin
        let last: Dimension
        if let end = end.int {
            last = end >= 1 << 31 ? extent : end >= 0 ? .fixed(end) : extent + end
        } else if case .extent(let dimension) = end {
            last = dimension
        } else {
            throw ONNXError.invalid("ends at no whole number")
        }
        if first.symbol == nil, last.symbol == extent.symbol, last.scale == extent.scale,
            last.offset <= extent.offset
        {
            return x.slice(axis: axis, start: first.offset, size: last + -first.offset)
        }
        if extent.symbol == nil, first.symbol == nil, last.symbol != nil {
            // So many rows from one on: how many is up to the run.
            site.importer.note(
                "\(site.node.place): takes \(last + -first.offset) of \(extent) rows; asking for more is not refused"
            )
            let ids = site.g.iota(.i32, [last + -first.offset], axis: 0)
            return Indexing.rows(x, axis, first.offset == 0 ? ids : ids + Double(first.offset))
        }
        throw ONNXError.unsupported(
            "the part \(first) to \(last) of an axis of the extent '\(extent)' may not be within it")
    }

    /// Rows of an axis, in the given order.
    static func selected(_ x: Tensor, _ axis: Int, _ places: [Int]) -> Tensor {
        let rank = x.shape.count
        let forward = [axis] + (0..<rank).filter { $0 != axis }
        var back = forward
        for (place, source) in forward.enumerated() { back[source] = place }
        let ids = x.builder.constant(places.map(Double.init), .i32, [places.count])
        let table = axis == 0 ? x : x.transposed(forward)
        if rank == 1 { return table.reshaped(table.shape + [1]).gather(ids).reshaped([.fixed(places.count)]) }
        let rows = table.gather(ids)
        return axis == 0 ? rows : rows.transposed(back)
    }

    private static let tile: OperatorRule = { site in
        let x = try site.input(0)
        let repeats = try site.knownInts(1, "the repeats")
        guard repeats.count == x.rank, repeats.allSatisfy({ $0 >= 0 }) else {
            throw ONNXError.invalid("needs a number of repeats for each axis")
        }
        // [a, b] -> [1, a, 1, b] -> [n, a, m, b] -> [n a, m b].
        let single = x.shape.flatMap { [Dimension.fixed(1), $0] }
        let many = zip(repeats, x.shape).flatMap { [Dimension.fixed($0), $1] }
        let result = zip(repeats, x.shape).map { $1 * $0 }
        guard zip(repeats, x.shape).allSatisfy({ $0 > 0 || $1.symbol == nil }) else {
            throw ONNXError.unsupported("repeats an axis of open extent 0 times")
        }
        return [site.value(x.element, x.tensor.reshaped(single).broadcast(to: many).reshaped(result))]
    }

    private static let pad: OperatorRule = { site in
        let x = try site.input(0)
        guard let pads = try site.ints(attribute: "pads", orInput: 1, "the padding") else {
            throw ONNXError.invalid("has no padding")
        }
        let axes =
            try site.has(3)
            ? site.knownInts(3, "the axes").map { try site.axis($0, of: x.rank) } : Array(0..<x.rank)
        guard pads.count == 2 * axes.count else {
            throw ONNXError.invalid("has \(pads.count) numbers of padding for \(axes.count) axes")
        }
        let mode = try site.choice("mode", ["constant", "reflect", "edge", "wrap"])
        let filler: Tensor
        if site.opset >= 11, let value = site.optional(2) {
            filler = value.tensor.reshaped([])
        } else {
            filler = x.tensor.number(x.element == .bool ? 0 : try site.float("value", 0))
        }
        var result = x.tensor
        for (index, axis) in axes.enumerated() where pads[index] != 0 || pads[index + axes.count] != 0 {
            result = try padded(site, result, axis, pads[index], pads[index + axes.count], mode, filler)
        }
        return [site.value(x.element, result)]
    }

    private static func padded(
        _ site: NodeSite, _ x: Tensor, _ axis: Int, _ before: Int, _ after: Int, _ mode: String,
        _ filler: Tensor
    ) throws -> Tensor {
        let extent = try site.fixed([x.shape[axis]], "a padded axis")[0]
        guard before.magnitude < 1 << 24, after.magnitude < 1 << 24 else {
            throw ONNXError.invalid("pads by too much")
        }
        if mode == "constant" {
            let cut = KnownArithmetic.sliceIndices(
                extent, start: max(0, -before), end: extent - max(0, -after), step: 1)
            let middle = x.slice(axis: axis, start: cut.first ?? 0, size: .fixed(cut.count))
            func margin(_ count: Int) -> Tensor? {
                guard count > 0 else { return nil }
                var shape = x.shape
                shape[axis] = .fixed(count)
                return filler.broadcast(to: shape)
            }
            let parts = [margin(before), cut.isEmpty ? nil : middle, margin(after)].compactMap { $0 }
            return parts.count == 1
                ? parts[0] : parts.isEmpty ? middle : site.g.concatenate(parts, axis: axis)
        }
        guard extent > 0 else { throw ONNXError.invalid("pads an empty axis with its elements") }
        let places = (-before..<max(-before, extent + after)).map { place -> Int in
            switch mode {
            case "edge": return min(max(place, 0), extent - 1)
            case "wrap": return ((place % extent) + extent) % extent
            default:
                if extent == 1 { return 0 }
                let period = 2 * (extent - 1)
                let inside = ((place % period) + period) % period
                return inside < extent ? inside : period - inside
            }
        }
        return selected(x, axis, places)
    }

    private static let trilu: OperatorRule = { site in
        let x = try site.input(0)
        guard x.rank >= 2 else { throw ONNXError.invalid("takes matrices, got \(x.rank) axes") }
        let k = try site.has(1) ? site.knownInts(1, "the diagonal").first ?? 0 : 0
        guard k.magnitude < 1 << 30 else { throw ONNXError.invalid("the diagonal \(k) is out of range") }
        let matrix = Array(x.shape.suffix(2))
        let rows = site.g.iota(.i32, matrix, axis: 0) + Double(k)
        let columns = site.g.iota(.i32, matrix, axis: 1)
        let isKept = site.g.compare(try site.flag("upper", true) ? .ge : .le, columns, rows)
        return [site.value(x.element, site.g.select(isKept, x.tensor, x.tensor.number(0)))]
    }

    private static let depthToSpace: OperatorRule = { site in
        let x = try site.input(0)
        let block = try site.int("blocksize", 1)
        guard x.rank == 4, block > 0, let depth = x.shape[1].fixedExtent, depth % (block * block) == 0 else {
            throw ONNXError.invalid("needs four axes and channels for blocks of \(block)")
        }
        let (n, c, h, w) = (x.shape[0], depth / (block * block), x.shape[2], x.shape[3])
        let b = Dimension.fixed(block)
        let isDCR = try site.choice("mode", ["DCR", "CRD"]) == "DCR"
        let parts = x.tensor.reshaped(isDCR ? [n, b, b, .fixed(c), h, w] : [n, .fixed(c), b, b, h, w])
        let moved = parts.transposed(isDCR ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3])
        return [site.value(x.element, moved.reshaped([n, .fixed(c), h * block, w * block]))]
    }

    private static let spaceToDepth: OperatorRule = { site in
        let x = try site.input(0)
        let block = try site.int("blocksize", 1)
        guard x.rank == 4, block > 0 else { throw ONNXError.invalid("needs four axes") }
        let extents = try site.fixed(Array(x.shape[1...]), "the axes")
        let (n, b) = (x.shape[0], Dimension.fixed(block))
        let (c, h, w) = (extents[0], extents[1] / block, extents[2] / block)
        let parts = x.tensor.reshaped([n, .fixed(c), .fixed(h), b, .fixed(w), b])
        let isDCR = try site.choice("mode", ["DCR", "CRD"]) == "DCR"
        return [
            site.value(
                x.element,
                parts.transposed(isDCR ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]).reshaped([
                    n, .fixed(c * block * block), .fixed(h), .fixed(w),
                ]))
        ]
    }

    private static let centerCropPad: OperatorRule = { site in
        let x = try site.input(0)
        let target = try site.knownInts(1, "the shape")
        let axes =
            try site.ints("axes").map { try $0.map { try site.axis($0, of: x.rank) } } ?? Array(0..<x.rank)
        guard axes.count == target.count else { throw ONNXError.invalid("needs an extent for each axis") }
        var result = x.tensor
        for (axis, size) in zip(axes, target) {
            let extent = try site.fixed([result.shape[axis]], "a cropped axis")[0]
            guard (0...1 << 24).contains(size) else {
                throw ONNXError.invalid("the extent \(size) is out of range")
            }
            if size < extent {
                result = result.slice(axis: axis, start: (extent - size) / 2, size: .fixed(size))
            } else if size > extent {
                let before = (size - extent) / 2
                result = try padded(
                    site, result, axis, before, size - extent - before, "constant", result.number(0))
            }
        }
        return [site.value(x.element, result)]
    }

    private static let reverseSequence: OperatorRule = { site in
        let (x, lengths) = (try site.input(0), try site.input(1))
        let (time, batch) = (try site.int("time_axis", 0), try site.int("batch_axis", 1))
        guard x.rank >= 2, Set([time, batch]) == [0, 1] else {
            throw ONNXError.unsupported("needs time and batch on axes 0 and 1")
        }
        let extents = try site.fixed(x.shape, "the axes")
        let g = site.g
        let outer = [x.shape[0], x.shape[1]]
        let row = extents.dropFirst(2).reduce(1, *)
        let step = g.iota(.i32, outer, axis: time)
        let sequence = g.iota(.i32, outer, axis: batch)
        let count = lengths.tensor.cast(.i32).reshaped(time == 0 ? [1, x.shape[1]] : [x.shape[0], 1])
        let source = g.select(g.compare(.lt, step, count), count - 1 - step, step)
        let place =
            time == 0 ? source * Double(extents[1]) + sequence : sequence * Double(extents[1]) + source
        let table = x.tensor.reshaped([.fixed(extents[0] * extents[1]), .fixed(row)])
        return [site.value(x.element, table.gather(place).reshaped(x.shape))]
    }
}
