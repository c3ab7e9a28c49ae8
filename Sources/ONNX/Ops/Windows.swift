import GraphIR

/// Convolutions, as products of gathered windows.
enum Windows {
    static let rules: [String: OperatorRule] = [
        "Conv": { site in
            let (x, w) = (try site.input(0), try site.input(1))
            let own = x.tensor.type.element
            var y = try convolved(site, x.tensor, w.tensor)
            if let bias = site.optional(2)?.tensor { y = y + channels(bias, like: y) }
            return [site.value(x.element, y.cast(own))]
        },
        "ConvInteger": { site in
            func number(_ index: Int, _ zero: Int) throws -> Tensor {
                let x = try site.tensor(index).cast(.f32)
                guard let zero = site.optional(zero)?.tensor.cast(.f32) else { return x }
                return x - (zero.shape.isEmpty ? zero : along(zero, axis: 0, rank: x.shape.count))
            }
            // Sums of products of bytes are exact in f32 as long as there are few.
            return [
                site.value(
                    .int32, try convolved(site, try number(0, 2), try number(1, 3)).roundedToEven().cast(.i32)
                )
            ]
        },
        "QLinearConv": { site in
            let rank = try site.input(0).rank
            func number(_ index: Int, _ scale: Int, _ zero: Int) throws -> Tensor {
                let (x, zero) = (try site.tensor(index).cast(.f32), try site.tensor(zero).cast(.f32))
                return x - (zero.shape.isEmpty ? zero : along(zero, axis: 0, rank: rank))
            }
            var sum = try convolved(site, try number(0, 1, 2), try number(3, 4, 5))
            if let bias = site.optional(8)?.tensor { sum = sum + channels(bias.cast(.f32), like: sum) }
            let weight = try site.tensor(4)
            let scale =
                try site.tensor(1) * (weight.shape.isEmpty ? weight : along(weight, axis: 1, rank: rank))
            let zero = try site.input(7)
            return [
                site.value(
                    zero.element,
                    try Quantisation.quantized(sum * scale, try site.tensor(6), zero.tensor, zero.element))
            ]
        },
        "ConvTranspose": transposed, "Col2Im": columnsToImage,
    ]

    /// A vector along one of `rank` axes.
    private static func along(_ vector: Tensor, axis: Int, rank: Int) -> Tensor {
        vector.reshaped((0..<rank).map { $0 == axis ? vector.shape[0] : 1 })
    }

    private static func channels(_ vector: Tensor, like x: Tensor) -> Tensor {
        along(vector, axis: 1, rank: x.shape.count)
    }

    private static func convolved(_ site: NodeSite, _ x: Tensor, _ w: Tensor) throws -> Tensor {
        let (own, weights) = (
            try site.fixed(Array(x.shape[1...]), "the axes"), try site.fixed(w.shape, "the kernel")
        )
        guard x.shape.count >= 3, weights.count == x.shape.count else {
            throw ONNXError.invalid("needs at least three axes")
        }
        let groups = try site.int("group", 1)
        let plan = try WindowPlan(
            site, extents: Array(own[1...]), kernel: try site.ints("kernel_shape") ?? Array(weights[2...]))
        guard groups >= 1, weights[1] * groups == own[0], weights[0] % groups == 0,
            plan.kernel == Array(weights[2...])
        else {
            throw ONNXError.invalid(
                "its kernel \(weights) does not suit \(own[0]) channels in \(groups) groups")
        }
        let places = plan.places().places
        let (windows, size) = (places.count, plan.kernel.reduce(1, *))
        let space = Dimension.fixed(own[1...].reduce(1, *))
        var parts: [Tensor] = []
        for group in 0..<groups {
            let (inputs, outputs) = (weights[1], weights[0] / groups)
            // [space, n · channels] to [windows, size, n, channels] to [n, windows, channels · size].
            let image = x.slice(axis: 1, start: group * inputs, size: .fixed(inputs)).reshaped([
                x.shape[0], .fixed(inputs), space,
            ])
            guard let n = Shapes.product([x.shape[0], .fixed(inputs)]) else {
                throw ONNXError.unsupported("needs a batch of one extent")
            }
            let columns = site.windows(image.transposed([2, 0, 1]).reshaped([space, n]), places, filler: 0)
                .reshaped([.fixed(windows), .fixed(size), x.shape[0], .fixed(inputs)]).transposed([
                    2, 0, 3, 1,
                ])
            guard let rows = Shapes.product([x.shape[0], .fixed(windows)]) else {
                throw ONNXError.unsupported("needs a batch of one extent")
            }
            let kernel = w.slice(axis: 0, start: group * outputs, size: .fixed(outputs)).reshaped([
                .fixed(outputs), .fixed(inputs * size),
            ])
            let product = columns.reshaped([rows, .fixed(inputs * size)]).matmul(kernel, transposeRight: true)
            parts.append(
                product.reshaped([x.shape[0], .fixed(windows), .fixed(outputs)]).transposed([0, 2, 1])
                    .reshaped([x.shape[0], .fixed(outputs)] + plan.outputs.map(Dimension.fixed)))
        }
        let y = parts.count == 1 ? parts[0] : site.g.concatenate(parts, axis: 1)
        return y.cast(x.type.element)
    }

    /// The transpose of a convolution: an image with zeros between its elements, convolved with the turned kernel.
    private static let transposed: OperatorRule = { site in
        let (x, w) = (try site.input(0), try site.input(1))
        let g = site.g
        let (own, weights) = (try site.fixed(x.shape, "the axes"), try site.fixed(w.shape, "the kernel"))
        let rank = own.count - 2
        let groups = try site.int("group", 1)
        guard rank >= 1, weights.count == own.count, groups >= 1, weights[0] == own[1], own[1] % groups == 0
        else {
            throw ONNXError.invalid("its kernel \(weights) does not suit an operand of \(own)")
        }
        let kernel = Array(weights[2...])
        let strides = try site.ints("strides") ?? Array(repeating: 1, count: rank)
        let dilations = try site.ints("dilations") ?? Array(repeating: 1, count: rank)
        let extra = try site.ints("output_padding") ?? Array(repeating: 0, count: rank)
        var pads = try site.ints("pads") ?? Array(repeating: 0, count: 2 * rank)
        guard strides.count == rank, dilations.count == rank, extra.count == rank, pads.count == 2 * rank,
            (strides + dilations).allSatisfy({ (1...1 << 16).contains($0) }),
            (pads + extra).allSatisfy({ (-(1 << 16)...1 << 16).contains($0) })
        else { throw ONNXError.invalid("its strides, dilations and padding do not suit \(rank) axes") }
        let spans = (0..<rank).map { (kernel[$0] - 1) * dilations[$0] + 1 }
        let mode = try site.choice("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])
        let wanted = try site.ints("output_shape").map { Array($0.suffix(rank)) }
        var outputs: [Int] = []
        for axis in 0..<rank {
            let full = (own[axis + 2] - 1) * strides[axis] + spans[axis] + extra[axis]
            if let size = wanted?[axis] ?? (mode.hasPrefix("SAME") ? own[axis + 2] * strides[axis] : nil) {
                let total = max(0, full - size)
                let small = total / 2
                (pads[axis], pads[axis + rank]) =
                    mode == "SAME_UPPER" || wanted == nil && mode != "SAME_LOWER"
                    ? (small, total - small) : (total - small, small)
                outputs.append(size)
            } else {
                outputs.append(full - pads[axis] - pads[axis + rank])
            }
        }
        guard outputs.allSatisfy({ $0 >= 0 }), outputs.reduce(1, *) * kernel.reduce(1, *) <= 1 << 22 else {
            throw ONNXError.unsupported("its result of \(outputs) is too large, or negative")
        }
        // For each output element and kernel element, the input element that it takes, or none.
        let ownStrides = Places.strides(Array(own[2...]))
        let places = Places.indices(outputs).map { output in
            Places.indices(kernel).map { offset -> Int in
                var place = 0
                for axis in 0..<rank {
                    let reach = output[axis] + pads[axis] - offset[axis] * dilations[axis]
                    guard reach >= 0, reach % strides[axis] == 0, reach / strides[axis] < own[axis + 2] else {
                        return -1
                    }
                    place += reach / strides[axis] * ownStrides[axis]
                }
                return place
            }
        }
        let (inputs, perGroup, size) = (own[1] / groups, weights[1], kernel.reduce(1, *))
        let space = own[2...].reduce(1, *)
        var parts: [Tensor] = []
        for group in 0..<groups {
            let image = x.tensor.slice(axis: 1, start: group * inputs, size: .fixed(inputs)).reshaped([
                .fixed(own[0] * inputs), .fixed(space),
            ])
            let columns = site.windows(image.transposed([1, 0]), places, filler: 0)
                .reshaped([.fixed(places.count), .fixed(size), .fixed(own[0]), .fixed(inputs)]).transposed([
                    2, 0, 3, 1,
                ])
                .reshaped([.fixed(own[0] * places.count), .fixed(inputs * size)])
            // [inputs, outputs, size] to [inputs · size, outputs].
            let matrix = w.tensor.slice(axis: 0, start: group * inputs, size: .fixed(inputs)).reshaped([
                .fixed(inputs), .fixed(perGroup), .fixed(size),
            ])
            .transposed([0, 2, 1]).reshaped([.fixed(inputs * size), .fixed(perGroup)])
            parts.append(
                columns.matmul(matrix).reshaped([.fixed(own[0]), .fixed(places.count), .fixed(perGroup)])
                    .transposed([0, 2, 1])
                    .reshaped([.fixed(own[0]), .fixed(perGroup)] + outputs.map(Dimension.fixed)))
        }
        var y = parts.count == 1 ? parts[0] : g.concatenate(parts, axis: 1)
        if let bias = site.optional(2)?.tensor { y = y + channels(bias.cast(.f32), like: y) }
        return [site.value(x.element, y.cast(x.tensor.type.element))]
    }

    /// Columns of windows added up where they overlap.
    private static let columnsToImage: OperatorRule = { site in
        let x = try site.input(0)
        let (image, block) = (
            try site.knownInts(1, "the image's shape"), try site.knownInts(2, "the block's shape")
        )
        let own = try site.fixed(x.shape, "the axes")
        guard own.count == 3, image.count == block.count,
            (image + block).allSatisfy({ (1...1 << 20).contains($0) })
        else {
            throw ONNXError.invalid("its shapes do not suit its columns")
        }
        let plan = try WindowPlan(site, extents: image, kernel: block)
        let places = plan.places().places
        let size = block.reduce(1, *)
        guard own[1] % size == 0, own[2] == places.count, image.reduce(1, *) * size * places.count <= 1 << 22
        else {
            throw ONNXError.unsupported(
                "has \(own[1]) rows of \(own[2]) columns for \(places.count) blocks of \(size)")
        }
        // A matrix of which element of which window lies where.
        let count = image.reduce(1, *)
        var matrix = Array(repeating: 0.0, count: size * places.count * count)
        for (window, elements) in places.enumerated() {
            for (element, place) in elements.enumerated() where place >= 0 {
                matrix[(element * places.count + window) * count + place] = 1
            }
        }
        let channels = own[1] / size
        let rows = x.tensor.reshaped([.fixed(own[0] * channels), .fixed(size * places.count)])
        let spread = site.g.constant(matrix, x.tensor.type.element, [size * places.count, count])
        return [
            site.value(
                x.element,
                rows.matmul(spread).cast(x.tensor.type.element).reshaped(
                    [.fixed(own[0]), .fixed(channels)] + image.map(Dimension.fixed)))
        ]
    }
}
