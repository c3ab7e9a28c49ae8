import GraphIR

/// How windows of convolutions and pools lie over the axes behind the first two.
struct WindowPlan {
    let extents: [Int]
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    private(set) var before: [Int]
    private(set) var after: [Int]
    private(set) var outputs: [Int]

    init(_ site: NodeSite, extents: [Int], kernel: [Int]) throws {
        let rank = extents.count
        self.extents = extents
        self.kernel = kernel
        strides = try site.ints("strides") ?? Array(repeating: 1, count: rank)
        dilations = try site.ints("dilations") ?? Array(repeating: 1, count: rank)
        let pads = try site.ints("pads") ?? Array(repeating: 0, count: 2 * rank)
        let size = 1 << 24
        guard rank >= 1, kernel.count == rank, strides.count == rank, dilations.count == rank,
            pads.count == 2 * rank,
            (kernel + strides + dilations).allSatisfy({ (1...size).contains($0) }),
            pads.allSatisfy({ (-size...size).contains($0) })
        else {
            throw ONNXError.invalid("its kernel, strides, dilations and padding do not suit \(rank) axes")
        }
        (before, after) = (Array(pads[..<rank]), Array(pads[rank...]))
        outputs = []
        let mode = try site.choice("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])
        let rounds = try site.flag("ceil_mode")
        for axis in 0..<rank {
            let span = (kernel[axis] - 1) * dilations[axis] + 1
            switch mode {
            case "SAME_UPPER", "SAME_LOWER":
                let count = (extents[axis] + strides[axis] - 1) / strides[axis]
                let padding = max(0, (count - 1) * strides[axis] + span - extents[axis])
                let (small, large) = (padding / 2, padding - padding / 2)
                (before[axis], after[axis]) = mode == "SAME_UPPER" ? (small, large) : (large, small)
                outputs.append(count)
            default:
                if mode == "VALID" { (before[axis], after[axis]) = (0, 0) }
                let room = extents[axis] + before[axis] + after[axis] - span
                guard room >= 0 else {
                    throw ONNXError.invalid("a window of \(span) does not fit an axis of \(extents[axis])")
                }
                var count = room / strides[axis] + 1
                if rounds, room % strides[axis] != 0 {
                    // A last window that begins within the axis or its padding before it.
                    if count * strides[axis] < extents[axis] + before[axis] { count += 1 }
                }
                outputs.append(count)
            }
        }
        guard outputs.reduce(1, *) * kernel.reduce(1, *) <= 1 << 22 else {
            throw ONNXError.unsupported("has too many windows")
        }
    }

    /// For each output and each element of its window, the row-major place of the element, or -1 in padding; and whether it lies
    /// within the padded axes.
    func places() -> (places: [[Int]], isPadded: [[Bool]]) {
        let own = Places.strides(extents)
        let offsets = Places.indices(kernel)
        var (all, inside): ([[Int]], [[Bool]]) = ([], [])
        for output in Places.indices(outputs) {
            var (places, padded): ([Int], [Bool]) = ([], [])
            for offset in offsets {
                var (place, isPadded) = (0, true)
                for axis in extents.indices {
                    let index = output[axis] * strides[axis] + offset[axis] * dilations[axis] - before[axis]
                    if place >= 0, (0..<extents[axis]).contains(index) {
                        place += index * own[axis]
                    } else {
                        place = -1
                    }
                    if index >= extents[axis] + after[axis] { isPadded = false }
                }
                places.append(place)
                padded.append(isPadded)
            }
            all.append(places)
            inside.append(padded)
        }
        return (all, inside)
    }
}

extension NodeSite {
    /// The elements of windows: [windows, elements of a window, n], where `x` is [space, n].
    func windows(_ x: Tensor, _ places: [[Int]], filler: Double) -> Tensor {
        let flat = places.flatMap { $0 }
        let ids = g.constant(flat.map { Double(max($0, 0)) }, .i32, [flat.count])
        var found = x.gather(ids)
        if flat.contains(-1) {
            let isInside = g.constant(flat.map { $0 < 0 ? 0 : 1 }, .bool, [flat.count, 1])
            found = g.select(isInside, found, found.number(filler))
        }
        return found.reshaped([.fixed(places.count), .fixed(places.first?.count ?? 0), x.shape[1]])
    }
}
