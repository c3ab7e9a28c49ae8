import GraphIR

/// Numbers in few bits, with a scale and a zero point.
enum Quantisation {
    static let rules: [String: OperatorRule] = [
        "QuantizeLinear": quantize, "DequantizeLinear": dequantize, "DynamicQuantizeLinear": dynamic,
        "QLinearMatMul": product,
    ]

    /// A scale or zero point along the axes of `x`: one number, one for each index of an axis, or one for each block.
    private static func spread(_ site: NodeSite, _ value: Tensor, like x: Tensor) throws -> Tensor {
        let rank = x.shape.count
        if value.shape.isEmpty || value.shape == [1] { return value.reshaped([]) }
        let axis = try site.axis(try site.int("axis", 1), of: max(rank, 1))
        let block = try site.int("block_size", 0)
        if block > 0 {
            guard value.shape.count == rank else { throw ONNXError.invalid("needs a scale for each block") }
            let (extent, blocks) = (
                try site.fixed([x.shape[axis]], "the axis")[0],
                try site.fixed([value.shape[axis]], "the blocks")[0]
            )
            guard blocks * block >= extent, (blocks - 1) * block < extent else {
                throw ONNXError.invalid("has \(blocks) blocks of \(block) for \(extent) elements")
            }
            var (single, wide, full) = (value.shape, value.shape, value.shape)
            single.insert(1, at: axis + 1)
            wide.insert(.fixed(block), at: axis + 1)
            full[axis] = .fixed(blocks * block)
            return value.reshaped(single).broadcast(to: wide).reshaped(full).slice(
                axis: axis, start: 0, size: .fixed(extent))
        }
        guard value.shape.count == 1 else {
            throw ONNXError.invalid("needs one scale, or one for each index of the axis")
        }
        var shape = x.shape.map { _ in Dimension.fixed(1) }
        shape[axis] = value.shape[0]
        return value.reshaped(shape)
    }

    /// round(x / scale) + zero, within the range of the type.
    static func quantized(
        _ x: Tensor, _ scale: Tensor, _ zero: Tensor?, _ element: ONNXElement, saturates: Bool = true
    ) throws -> Tensor {
        let g = x.builder
        let ratio = (x / scale).cast(.f32)
        guard let range = element.integerRange else {
            return ratio.rounded(to: element, saturates: saturates)
        }
        var rounded = ratio.roundedToEven()
        if let zero { rounded = rounded + zero.cast(.f32) }
        let low = g.binary(.max, rounded, rounded.number(Double(range.lowerBound)))
        return g.binary(.min, low, low.number(Double(range.upperBound))).cast(element.carrier ?? .i32)
    }

    private static let quantize: OperatorRule = { site in
        let (x, scale) = (try site.input(0), try site.input(1))
        let zero = site.optional(2)
        let element = try zero?.element ?? site.elementType("output_dtype") ?? .uint8
        guard element.integerRange != nil || element.smallFloat != nil else {
            throw ONNXError.invalid("can't quantise to \(element.name)")
        }
        let wide = x.tensor.cast(.f32)
        let factor = try spread(site, scale.tensor.cast(.f32), like: wide)
        let offset = try zero.map { try spread(site, $0.tensor, like: wide) }
        return [
            site.value(
                element,
                try quantized(
                    wide, factor, element.integerRange == nil ? nil : offset, element,
                    saturates: try site.flag("saturate", true)))
        ]
    }

    private static let dequantize: OperatorRule = { site in
        let (x, scale) = (try site.input(0), try site.input(1))
        let own = try site.elementType("output_dtype") ?? scale.element
        var wide = x.tensor.cast(.f32)
        if let zero = site.optional(2) {
            let offset = try spread(site, zero.tensor, like: x.tensor)
            wide = x.element.isInteger ? (x.tensor - offset).cast(.f32) : wide - offset.cast(.f32)
        }
        let factor = try spread(site, scale.tensor.cast(.f32), like: wide)
        return [site.value(own, (wide * factor).cast(own.carrier ?? .f32))]
    }

    private static let dynamic: OperatorRule = { site in
        let x = try site.tensor(0)
        let g = site.g
        let axes = Array(x.shape.indices)
        let low = g.binary(.min, x.min(axes: axes, keepDimensions: false), x.number(0))
        let high = g.binary(.max, x.max(axes: axes, keepDimensions: false), x.number(0))
        let scale = (high - low) / 255
        let zero = try quantized(-low, scale, nil, .uint8)
        return [
            site.value(.uint8, try quantized(x, scale, zero, .uint8)), site.value(.float, scale),
            site.value(.uint8, zero),
        ]
    }

    private static let product: OperatorRule = { site in
        let result = try site.input(7)
        func offset(_ index: Int, _ zero: Int) throws -> Tensor {
            try site.tensor(index).cast(.i32) - (try site.tensor(zero).cast(.i32))
        }
        let sum = try Products.product(site, try offset(0, 2), try offset(3, 5))
        let scale = try site.tensor(1).cast(.f32) * site.tensor(4).cast(.f32)
        let real = sum.cast(.f32) * scale
        return [
            site.value(
                result.element,
                try quantized(real, try site.tensor(6).cast(.f32), result.tensor, result.element))
        ]
    }
}
